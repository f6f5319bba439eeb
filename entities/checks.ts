/** The SQL text of a string, quoted. */
function literal(value: string): string {
  return `'${value.replaceAll("'", "''")}'`;
}

/** The SQL condition that a column holds one of the words of a domain array. */
export function oneOf(column: string, words: readonly string[]): string {
  return `${column} in (${words.map(literal).join(', ')})`;
}

/** The SQL condition that a number column stays within limits, both included. */
export function within(column: string, limits: { readonly min: number; readonly max?: number }): string {
  const floor = `${column} >= ${limits.min}`;
  return limits.max === undefined ? floor : `${floor} and ${column} <= ${limits.max}`;
}
