/** Without the options that were not given: to leave one out asks for its default. */
export function given<Options extends object>(
  options: Options,
): { [Name in keyof Options]?: Exclude<Options[Name], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  // The entries are those of the options, so their values have the options' types.
  return Object.fromEntries(entries) as ReturnType<typeof given<Options>>;
}
