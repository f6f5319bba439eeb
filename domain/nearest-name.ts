/** A misspelt name may differ from the one that was meant by so many edits. */
const MAX_EDITS = 2;
/** So many letters of a name stand for the whole of it: `prio` for `priority`, `idempotencyKey` for `key`. */
const MIN_PART = 3;

/** The known name that was probably meant by an unknown one; null when none is near. */
export function nearestName(unknown: string, known: readonly string[]): string | null {
  const given = unknown.toLowerCase();
  const whole = known.find((name) => isPart(given, name.toLowerCase()));
  if (whole !== undefined) return whole;
  if (given.length > 64) return null;
  const [nearest] = known
    .map((name) => ({ name, edits: editsBetween(given, name.toLowerCase()) }))
    .filter(({ name, edits }) => edits <= Math.min(MAX_EDITS, Math.max(1, name.length / 2 - 1)))
    .sort((one, other) => one.edits - other.edits);
  return nearest?.name ?? null;
}

function isPart(one: string, other: string): boolean {
  const [short, long] = one.length < other.length ? [one, other] : [other, one];
  return one === other || (short.length >= MIN_PART && long.includes(short));
}

/** Letters to insert, to leave out or to replace: the Levenshtein distance. */
function editsBetween(one: string, other: string): number {
  let row = Array.from({ length: other.length + 1 }, (_, index) => index);
  for (const [index, letter] of [...one].entries()) {
    const next = [index + 1];
    for (const [at, wanted] of [...other].entries()) {
      const replaced = (row[at] ?? 0) + (letter === wanted ? 0 : 1);
      next.push(Math.min(replaced, (row[at + 1] ?? 0) + 1, (next[at] ?? 0) + 1));
    }
    row = next;
  }
  return row.at(-1) ?? 0;
}
