import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TaskId } from '../../domain/ids.ts';
import type { QueueSettings } from '../../domain/queues/queue-settings.ts';
import { tables } from '../tables.ts';
import { freeStaleSlots } from './statements/free-stale-slots.ts';
import { takeMissingSlots } from './statements/take-missing-slots.ts';

/** The slots of all concurrency keys, as one task queue sees them. */
export interface HeldSlots {
  /** Those of tasks of the task queue. */
  readonly here: readonly { readonly key: string; readonly taskId: TaskId }[];
  /** How many of each key are held by tasks of other task queues. Keys with none are left out. */
  readonly elsewhere: ReadonlyMap<string, number>;
}

/** Slots of concurrency keys, of all tenants. Needs a system unit of work. Every method is one statement. */
export class SlotRepository {
  readonly #em: SqlEntityManager;
  constructor(em: SqlEntityManager) {
    this.#em = em;
  }

  async held(taskQueue: string): Promise<HeldSlots> {
    const slots = await tables(this.#em)
      .selectFrom('concurrency_slots as s')
      .innerJoin('tasks as t', 't.id', 's.taskId')
      .select((eb) => {
        const here = eb.case().when('t.taskQueue', '=', taskQueue).then(eb.ref('s.taskId')).end();
        return ['s.key', here.as('holder'), eb.fn.countAll<string>().as('count')];
      })
      .groupBy(['key', 'holder'])
      .execute();
    const elsewhere = slots.filter(({ holder }) => holder === null);
    return {
      here: slots.flatMap(({ key, holder }) => (holder === null ? [] : [{ key, taskId: holder }])),
      elsewhere: new Map(elsewhere.map(({ key, count }) => [key, Number(count)])),
    };
  }

  /**
   * Frees what no open claim holds, and what waiting tasks hold of keys that spare them. Claims, waits and ends keep
   * slots right by themselves, so whatever this finds was left by a change from outside, or of the settings.
   * @returns how many
   */
  freeStale(settings: QueueSettings): Promise<number> {
    return freeStaleSlots(this.#em, settings);
  }

  /**
   * Lets open tasks hold slots of keys that were not limited when they were claimed, so that a new limit counts what
   * runs already, and what waits unless it spares that. These slots may lie above the limit: it is reached again by ends
   * alone.
   * @returns how many were taken
   */
  takeMissing(settings: QueueSettings): Promise<number> {
    return takeMissingSlots(this.#em, settings);
  }
}
