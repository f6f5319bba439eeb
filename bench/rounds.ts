import { median } from './measure.ts';

const ROUNDS = 3;

/** The median of several rounds for each rival. They take turns, so that a slow moment of the machine meets all. */
export async function mediansInTurns<Rival>(
  rivals: readonly Rival[],
  measure: (rival: Rival) => Promise<number>,
): Promise<Map<Rival, number>> {
  const figures = new Map<Rival, number[]>(rivals.map((rival) => [rival, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const rival of rivals) figures.get(rival)?.push(await measure(rival));
  }
  return new Map([...figures].map(([rival, found]) => [rival, median(found.sort((one, other) => one - other))]));
}

/** The value below which a share of the figures lies; the figures in any order. */
export function percentile(figures: readonly number[], share: number): number {
  const sorted = [...figures].sort((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}
