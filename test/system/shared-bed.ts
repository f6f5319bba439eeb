import type { QueryResultRow } from 'pg';
import type { Muster, TaskView } from '../../index.ts';
import type { RunningWorker } from '../../worker.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { behindTheBack } from './acceptance/database.ts';
import { scriptedGraphs } from './acceptance/graphs.ts';
import { Script } from './acceptance/script.ts';
import { ended } from './acceptance/views.ts';

/** As many as one execution carries, and the places that are kept for urgent tasks. */
const PLACES = 211;

/** One worker in the test's own process that may carry 200 tasks at once, whose handlers do what the script says. */
export interface SharedBed {
  readonly muster: MusterUnderTest;
  readonly script: Script;
  /** Asks PostgreSQL behind the product's back. */
  rows<Row extends QueryResultRow>(text: string, values?: readonly unknown[]): Promise<Row[]>;
  /** Those of these tasks that a shared execution carries, or carried until their ends. */
  carried(ids: readonly string[]): Promise<ReadonlySet<string>>;
  endedAll(client: Muster, tasks: readonly { readonly id: string }[]): Promise<TaskView[]>;
  /** Starts the worker. */
  work(): Promise<RunningWorker>;
  close(): Promise<void>;
}

export async function openSharedBed(title: string): Promise<SharedBed> {
  const script = new Script();
  const muster = await openMuster(title, { environment: { MUSTER_MAX_CONCURRENT_TASKS: String(PLACES) } });
  const graphs = Object.values(scriptedGraphs(script));
  const rows = <Row extends QueryResultRow>(text: string, values?: readonly unknown[]) =>
    behindTheBack<Row>(muster, text, values);
  return {
    ...{ muster, script, rows },
    carried: async (ids) => {
      const found = await rows<{ task_id: string }>(
        'select task_id from muster.agent_traces where carried_by is not null and task_id = any($1)',
        [ids],
      );
      return new Set(found.map((row) => row.task_id));
    },
    endedAll: (client, tasks) => Promise.all(tasks.map(({ id }) => ended(client.task(id)))),
    work: () => muster.work({ graphs }),
    close: () => muster.close(),
  };
}

export const items = (count: number, key: string) =>
  Array.from({ length: count }, (_, index) => ({ input: { index }, key: `${key}-${index}` }));

export const isShared = ({ task }: TaskView) => task.workflowId.startsWith('tasks/');
