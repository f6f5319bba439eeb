import type { TaskId } from '../../domain/ids.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';

/** The slots of all concurrency keys, as one task queue sees them. */
export interface HeldSlots {
  /** Those of tasks of the task queue. */
  readonly here: readonly { readonly key: string; readonly taskId: TaskId }[];
  /** How many of each key are held by tasks of other task queues. Keys with none are left out. */
  readonly elsewhere: ReadonlyMap<string, number>;
}

/** Slots of concurrency keys, of all tenants. Needs a system unit of work. Every method is one statement. */
export class SlotRepository extends Repository {
  async held(taskQueue: string): Promise<HeldSlots> {
    const slots = await tables(this.em)
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
}
