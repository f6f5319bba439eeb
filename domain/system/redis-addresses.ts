/**
 * The addresses in a Redis URL: one, or several apart by commas, which are tried in turn. The first one's user, password
 * and TLS count for all. A comma within a password stays a part of it.
 */
export function redisAddresses(url: string): readonly [string, ...string[]] {
  const [first = url, ...others] = url.split(/,(?=[a-z]+:\/\/)/);
  return [first, ...others];
}
