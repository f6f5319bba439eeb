import { hasErrorCode } from '../../domain/errors.ts';

/**
 * What a caller knows after a submit. `ok`: acknowledged. `fail`: refused, nothing may be there. `unknown`: the answer
 * was lost, and either may be true; to take it for a failure would hide a lost or a doubled task.
 */
export type Outcome =
  | { readonly kind: 'ok'; readonly taskId: string; readonly duplicate: boolean }
  | { readonly kind: 'fail'; readonly error: Error }
  | { readonly kind: 'unknown'; readonly error: Error };

export interface HistoryEntry {
  readonly key: string;
  readonly startedAtMs: number;
  readonly tookMs: number;
  readonly outcome: Outcome;
}

/** Errors that are an answer: the submit was understood and refused. */
const REFUSALS: readonly string[] = [
  'graph_unknown',
  'input_invalid',
  'input_too_large',
  'input_unreadable',
  'idempotency_conflict',
];

/** What callers were told, in the order in which they were. Only grows. */
export class History {
  readonly entries: HistoryEntry[] = [];

  /** Submits, and notes before and after what is known. Never rejects. */
  async submit(key: string, call: () => Promise<{ id: string; duplicate: boolean }>): Promise<Outcome> {
    const startedAtMs = performance.now();
    const outcome = await call().then(
      ({ id, duplicate }): Outcome => ({ kind: 'ok', taskId: id, duplicate }),
      (error: Error): Outcome => ({ kind: isRefusal(error) ? 'fail' : 'unknown', error }),
    );
    this.entries.push({ key, startedAtMs, tookMs: performance.now() - startedAtMs, outcome });
    return outcome;
  }

  /** Ids by key of everything that was acknowledged. Throws when one key was given two ids. */
  acknowledged(): Map<string, string> {
    const ids = new Map<string, string>();
    for (const { key, outcome } of this.entries) {
      if (outcome.kind !== 'ok') continue;
      if ((ids.get(key) ?? outcome.taskId) !== outcome.taskId) throw new Error(`The key ${key} was given two ids.`);
      ids.set(key, outcome.taskId);
    }
    return ids;
  }

  /** Keys whose submits were all left without an answer. */
  unresolved(): string[] {
    const known = this.acknowledged();
    const open = this.entries.filter(({ key, outcome }) => outcome.kind === 'unknown' && !known.has(key));
    return [...new Set(open.map((entry) => entry.key))];
  }

  failures(): Error[] {
    return this.entries.flatMap(({ outcome }) => (outcome.kind === 'fail' ? [outcome.error] : []));
  }

  /** The longest that any submit took, in milliseconds, among those begun after a moment. */
  slowest(sinceMs = 0): number {
    return Math.max(0, ...this.entries.filter((entry) => entry.startedAtMs >= sinceMs).map((entry) => entry.tookMs));
  }
}

function isRefusal(error: Error): boolean {
  return hasErrorCode(error) && REFUSALS.includes(error.code);
}
