/**
 * What a process of a test has of this one's variables: where programs are found, and what Node has compiled already,
 * which halves the start of a worker. Nothing of a developer's own configuration.
 */
export function bareEnvironment(): Record<string, string> {
  const { PATH = '', HOME = '', NODE_COMPILE_CACHE } = process.env;
  return { PATH, HOME, ...(NODE_COMPILE_CACHE === undefined ? {} : { NODE_COMPILE_CACHE }) };
}
