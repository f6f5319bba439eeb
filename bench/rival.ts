import { createRequire } from 'node:module';
import { type Contestant, rateOf, timesOf } from './measure.ts';
import { countUsage, type Usage } from './usage.ts';

/** Something that is measured against others, in this process or in one of its own. */
export interface Rival {
  readonly name: string;
  /** The database that holds its rows, as an address that may read everything; null without one. */
  readonly databaseUrl: string | null;
  /** Runs a second, with so many always in flight. */
  rate(options: { runs: number; inFlight: number }): Promise<number>;
  /** Milliseconds of runs one after the other, shortest first. */
  times(runs: number): Promise<number[]>;
  usage(): Promise<Usage>;
}

/** Muster's copy of the driver: from this folder the peers' is found. */
const { Client }: typeof import('pg') = createRequire(new URL('../package.json', import.meta.url))('pg');
const usage = countUsage(Client);

/** One that runs in this process. */
export function ownRival(contestant: Contestant, databaseUrl: string | null): Rival {
  return {
    name: contestant.name,
    databaseUrl,
    rate: (options) => rateOf(contestant, options),
    times: (runs) => timesOf(contestant, runs),
    usage: async () => usage(),
  };
}
