/**
 * The addresses in a Redis URL: one, or several separated by commas, which are tried in turn. The user, password and
 * TLS of the first apply to all. A comma in a password is a part of it.
 */
export function redisAddresses(url: string): readonly [string, ...string[]] {
  const [first = url, ...others] = url.split(/,(?=[a-z]+:\/\/)/);
  return [first, ...others];
}
