/**
 * A point in time as hand-written SQL returns it: the mapper leaves such columns as PostgreSQL's text, which `Date`
 * reads exactly, milliseconds and zone included.
 */
export function readDate(value: Date | string): Date {
  return new Date(value);
}

/** The same for a column that may be empty. */
export function readDateOrNull(value: Date | string | null): Date | null {
  return value === null ? null : new Date(value);
}
