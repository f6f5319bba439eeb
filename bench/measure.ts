/** Something that is measured: one whole run of it, from the wish to the end. */
export interface Contestant {
  readonly name: string;
  once(): Promise<unknown>;
}

export interface Rate {
  readonly name: string;
  readonly perSecond: number;
}

/** Runs a contestant with a number of runs always in flight, and says how many ended a second. */
export async function rateOf(contestant: Contestant, options: { runs: number; inFlight: number }): Promise<number> {
  let left = options.runs;
  const startedAt = performance.now();
  const lane = async (): Promise<void> => {
    while (left > 0) {
      left -= 1;
      await contestant.once();
    }
  };
  await Promise.all(Array.from({ length: options.inFlight }, lane));
  return options.runs / ((performance.now() - startedAt) / 1000);
}

/** Runs a contestant alone, one run after the other, and gives the times in milliseconds, shortest first. */
export async function timesOf(contestant: Contestant, runs: number): Promise<number[]> {
  const times: number[] = [];
  for (let run = 0; run < runs; run += 1) {
    const startedAt = performance.now();
    await contestant.once();
    times.push(performance.now() - startedAt);
  }
  return times.sort((one, other) => one - other);
}

export function median(sorted: readonly number[]): number {
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}
