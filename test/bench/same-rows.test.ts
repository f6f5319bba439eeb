import assert from 'node:assert/strict';
import { fanOut, fiveHandingOn } from '../../bench/graphs.ts';
import { rateOf } from '../../bench/measure.ts';
import { openMusterContestants } from '../../bench/muster-contestant.ts';
import { handedOn } from '../../bench/payload.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { behindTheBack } from '../system/acceptance/database.ts';

const BENCH_RUNS = { runs: 30, inFlight: 15 };

/** Which rows belong to a task, by the column that a table has. */
const OF_TASK = {
  task_id: 'task_id = $1',
  trace_id: 'trace_id in (select id from muster.agent_traces where task_id = $1)',
} as const;

/** What a task left: how many rows of each table, and in order its events, runs and audit rows. */
interface Left {
  readonly rows: Readonly<Record<string, number>>;
  readonly events: readonly string[];
  readonly runs: readonly string[];
  readonly audited: readonly string[];
}

describe('a benchmark run', () => {
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('bench rows');
    await muster.work({ graphs: [fiveHandingOn, fanOut] });
  });
  after(() => muster?.close());

  for (const graph of [fiveHandingOn, fanOut]) {
    const { name, nodes } = graph.definition;

    it(`of ${name} leaves the same rows as any other run of the graph`, async () => {
      const contestants = openMusterContestants(muster);
      const ordinary = await muster.client.submit(name, { text: handedOn() });
      await ordinary.result();

      await rateOf(
        contestants.contestant(name, () => ({ text: handedOn() })),
        BENCH_RUNS,
      );
      await contestants.close();
      const expected = await leftBy(ordinary.id);
      const ids = await behindTheBack<{ id: string }>(
        muster,
        'select t.id from muster.tasks t join muster.agent_graphs g on g.id = t.graph_id where g.name = $1 and t.id <> $2',
        [name, ordinary.id],
      );
      const found = await Promise.all(ids.map(({ id }) => leftBy(id)));

      assert.equal(expected.rows.agent_runs, Object.keys(nodes).length);
      assert.equal(found.length, BENCH_RUNS.runs);
      for (const left of found) assert.deepEqual(left, expected);
    });
  }

  async function leftBy(taskId: string): Promise<Left> {
    const of = async (text: string) =>
      (await behindTheBack<{ found: string }>(muster, text, [taskId])).map(({ found }) => found);
    return {
      rows: await rowsOf(taskId),
      events: await of(`select type as found from muster.trace_events where ${OF_TASK.trace_id} order by seq`),
      runs: await of(
        `select node_id || ' ' || status as found from muster.agent_runs where ${OF_TASK.trace_id} order by node_id`,
      ),
      audited: await of('select action as found from muster.audit_log where subject_id = $1::text order by action'),
    };
  }

  /** Of every table that names tasks or traces. */
  async function rowsOf(taskId: string): Promise<Record<string, number>> {
    const tables = await behindTheBack<{ name: string; column: keyof typeof OF_TASK }>(
      muster,
      `select table_name as name, max(column_name) as column from information_schema.columns
       where table_schema = 'muster' and column_name in ('task_id', 'trace_id') group by table_name order by table_name`,
    );
    const counts = tables.map(
      ({ name, column }) => `select '${name}' as name, count(*)::int from muster.${name} where ${OF_TASK[column]}`,
    );
    const rows = await behindTheBack<{ name: string; count: number }>(muster, counts.join(' union all '), [taskId]);
    return Object.fromEntries(rows.map(({ name, count }) => [name, count]));
  }
});
