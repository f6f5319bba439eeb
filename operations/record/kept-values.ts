import { hash } from 'node:crypto';
import type { RunPath } from '../../domain/traces/path.ts';
import type { NotedRun } from './record-wave.ts';

/** Characters of JSON. For shorter values a look at another row costs more than it saves. */
const WORTH_A_LOOK = 256;

/** Knows which run of a task keeps which value. A node that passes on what it was given keeps no copy of it. */
export class KeptValues {
  readonly #keepers = new Map<string, RunPath>();

  /** Makes each run whose output another run keeps already refer to that run. */
  refer(runs: readonly NotedRun[]): readonly NotedRun[] {
    return runs.map((noted) => {
      const { run, output } = noted;
      const json = output === undefined ? '' : JSON.stringify(output);
      if (json.length < WORTH_A_LOOK) return noted;
      const digest = hash('sha256', json, 'base64');
      const keeper = this.#keepers.get(digest);
      if (keeper !== undefined) return { run: { ...run, outputOf: keeper } };
      this.#keepers.set(digest, run.nodeId);
      return noted;
    });
  }
}
