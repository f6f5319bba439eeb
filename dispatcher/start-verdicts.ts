import type { Client } from '@temporalio/client';
import { v7 as uuid } from 'uuid';
import type { LoopLog } from '../domain/system/loop.ts';
import type { Failure } from '../domain/tasks/execution.ts';
import { explain } from '../temporal/refusals.ts';
import { verdictOf } from './verdict.ts';

export interface StartVerdictsOptions {
  readonly client: Client;
  /** The task queue of this worker, whose name is a part of every start. */
  readonly taskQueue: string;
  readonly log: LoopLog;
}

/** How long the answer to a probe counts. */
const PROBED_MS = 10_000;
const PROBE_DEADLINE_MS = 5_000;
/** Verdicts in a row without a start that was taken; then one of these times passes before each further one. */
const IN_A_ROW = { most: 10, thenEveryMs: 6_000 };
/** How often the log says that no task is given up although its start is refused. */
const TELL_EVERY_MS = 60_000;

/**
 * Says whether a task has to be given up because of an error, and keeps a Temporal that refuses everything from ending
 * everything. A refusal is about its task only where Temporal takes another start meanwhile: so before a task is given up
 * for one, Temporal is asked to take a start that has nothing of any task. Where it refuses that too, the installation is
 * at fault (its namespace, the name of its task queue, a proxy before it), and the task is tried again. Where it takes that
 * and still refuses one task after another, tasks are given up slowly, so that somebody can look.
 *
 * In memory only: after a restart the next refusal asks again.
 */
export class StartVerdicts {
  readonly #options: StartVerdictsOptions;
  #probe: { readonly taken: Promise<boolean>; readonly at: number } | null = null;
  #inARow = 0;
  #nextAt = 0;
  #toldAt = Number.NEGATIVE_INFINITY;

  constructor(options: StartVerdictsOptions) {
    this.#options = options;
  }

  /** Temporal has taken the start of a task. */
  startTaken(): void {
    this.#inARow = 0;
  }

  /** The failure with which the task ends, null where it is to be tried again. Never rejects. */
  async of(error: unknown): Promise<Failure | null> {
    const failure = verdictOf(error);
    if (failure?.code !== 'start_refused') return failure;
    if ((await this.#takesStarts()) && this.#mayGiveUp()) return failure;
    this.#tell(error);
    return null;
  }

  #mayGiveUp(): boolean {
    const now = performance.now();
    this.#inARow += 1;
    if (this.#inARow <= IN_A_ROW.most) return true;
    if (now < this.#nextAt) return false;
    this.#nextAt = now + IN_A_ROW.thenEveryMs;
    return true;
  }

  #takesStarts(): Promise<boolean> {
    const now = performance.now();
    if (this.#probe === null || now - this.#probe.at > PROBED_MS) {
      const taken = this.#startNothing().then(
        () => true,
        () => false,
      );
      this.#probe = { taken, at: now };
    }
    return this.#probe.taken;
  }

  /** Starts a workflow that would begin in an hour, and ends it. No worker sees it; one that stays would time out. */
  async #startNothing(): Promise<void> {
    const { client, taskQueue } = this.#options;
    await client.withDeadline(Date.now() + PROBE_DEADLINE_MS, async () => {
      const handle = await client.workflow.start('probeStarts', {
        workflowId: `muster-probe/${uuid()}`,
        taskQueue,
        startDelay: '1 hour',
        workflowRunTimeout: '1 minute',
        staticSummary: 'Muster asks whether starts are taken',
      });
      await handle.terminate('It was started to see whether starts are taken.').catch(() => undefined);
    });
  }

  #tell(error: unknown): void {
    if (performance.now() - this.#toldAt < TELL_EVERY_MS) return;
    this.#toldAt = performance.now();
    this.#options.log.warn({ error: explain(error) }, 'Temporal is rejecting all workflow starts; retrying');
  }
}
