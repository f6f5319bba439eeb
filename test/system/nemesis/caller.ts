import { type ClientStores, openClientStores } from '../../../client/open-stores.ts';
import { hasErrorCode } from '../../../domain/errors.ts';
import { Muster, type SubmitOptions } from '../../../index.ts';
import { History } from '../../support/history.ts';
import { NARROW } from './limits.ts';
import type { SeededRandom } from './random.ts';
import type { RunLog } from './run-log.ts';

const PRIORITIES = ['high', 'normal', 'normal', 'low'] as const;
/** Fewer users than tasks under way, so that their tasks queue up behind one another. */
const USERS = ['ada', 'bo', 'cy', 'dee', 'eve', 'fay'] as const;

/** Drawn as often as they are named. */
const GRAPHS = ['mixed', 'mixed', 'mixed', 'mixed', 'quick', 'quick', 'talking', 'talking', 'limited'] as const;

/** What is submitted at once: enough for a worker to be under pressure, so that small tasks share executions. */
const BURST = { graph: 'small', tasks: 16 } as const;

interface Plan {
  readonly graph: string;
  readonly label: string;
  readonly options: SubmitOptions;
}

/**
 * One tenant's program: submits, repeats under known keys, cancels, reads. Notes what it was told, and never rejects.
 * Callers of different tenants use the same keys.
 */
export class Caller {
  readonly tenant: string;
  readonly history = new History();
  readonly stores: ClientStores;
  readonly muster: Muster;
  /** Keys of the tasks whose cancel was asked for; whatever was answered, it may have arrived. */
  readonly cancelled = new Set<string>();
  /** Cancels that were acknowledged. */
  cancels = 0;
  /** Reads that were answered. */
  reads = 0;
  readonly #plans = new Map<string, Plan>();
  readonly #log: RunLog;

  private constructor(tenant: string, options: { stores: ClientStores; log: RunLog }) {
    this.tenant = tenant;
    this.stores = options.stores;
    this.muster = new Muster(options.stores);
    this.#log = options.log;
  }

  static async open(
    tenant: string,
    { environment, log }: { environment: Readonly<Record<string, string>>; log: RunLog },
  ): Promise<Caller> {
    return new Caller(tenant, { stores: await openClientStores({ environment, tenant }), log });
  }

  /** Submits a task that nobody submitted before. */
  async submit(key: string, random: SeededRandom): Promise<void> {
    const user = random.chance(0.3) ? { user: random.pick(USERS) } : {};
    const narrow = random.chance(0.2) ? { concurrencyKey: NARROW.key } : {};
    const options = { priority: random.pick(PRIORITIES), ...user, ...narrow };
    const graph = random.pick(GRAPHS);
    await this.carryOut(key, { graph, label: `${this.tenant}.${key}`, options });
  }

  /** Submits many small tasks at once, each for a user of its own, so that none waits for another. */
  async submitBurst(key: string, random: SeededRandom): Promise<void> {
    const tasks = Array.from({ length: BURST.tasks }, (_, index) => {
      const each = `${key}-${index}`;
      const options = { priority: random.pick(PRIORITIES), user: each };
      return this.carryOut(each, { graph: BURST.graph, label: `${this.tenant}.${each}`, options });
    });
    await Promise.all(tasks);
  }

  async carryOut(key: string, plan: Plan): Promise<void> {
    this.#plans.set(key, plan);
    await this.repeat(key);
  }

  /** Submits under a known key again, as a program does that was not answered, or was started twice. */
  async repeat(key: string): Promise<void> {
    const plan = this.#plans.get(key);
    if (plan === undefined) return;
    const { graph, label, options } = plan;
    await this.history.submit(key, () => this.muster.submit(graph, { label }, { key, ...options }));
  }

  /** A known key; one without an answer sooner than others. */
  knownKey(random: SeededRandom): string | null {
    const unresolved = this.history.unresolved();
    if (unresolved.length > 0) return random.pick(unresolved);
    return this.#plans.size === 0 ? null : random.pick([...this.#plans.keys()]);
  }

  /** Cancels a task that was acknowledged not long ago. */
  async cancel(random: SeededRandom): Promise<void> {
    const recent = [...this.history.acknowledged()].slice(-20);
    if (recent.length === 0) return;
    const [key, id] = random.pick(recent);
    this.cancelled.add(key);
    await this.muster
      .task(id)
      .cancel('drawn')
      .then(
        () => (this.cancels += 1),
        () => undefined,
      );
  }

  /** Reads a task of its own: one that was acknowledged is there, from then on. */
  async read(random: SeededRandom): Promise<void> {
    const known = [...this.history.acknowledged().values()];
    if (known.length === 0) return;
    const id = random.pick(known);
    await this.muster
      .task(id)
      .read()
      .then(
        () => (this.reads += 1),
        (error: unknown) => {
          if (saysUnknown(error)) this.#log.violation(`I1: ${this.tenant} was told that its task ${id} is unknown`);
        },
      );
  }

  /** Tries to read and to cancel a task of another tenant. Answers whether it was refused for that. */
  async reachForeign(other: Caller, random: SeededRandom): Promise<boolean> {
    const foreign = [...other.history.acknowledged().values()];
    if (foreign.length === 0) return false;
    const id = random.pick(foreign);
    const task = this.muster.task(id);
    const tried = random.chance(0.5) ? task.read() : task.cancel('from another tenant');
    return tried.then(
      () => {
        this.#log.violation(`I7: ${this.tenant} reached the task ${id} of ${other.tenant}`);
        return false;
      },
      (error: unknown) => saysUnknown(error),
    );
  }

  async close(): Promise<void> {
    await this.muster.close();
  }
}

function saysUnknown(error: unknown): boolean {
  return hasErrorCode(error) && error.code === 'task_unknown';
}
