import assert from 'node:assert/strict';
import type { TaskView } from '../../index.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Script } from '../system/acceptance/script.ts';
import { ended } from '../system/acceptance/views.ts';

/** Longer than what stays in the task's row. */
const LARGE = { text: 'x'.repeat(40_000) };
const SMALL = { text: 'x' };

interface Damage {
  readonly title: string;
  readonly graph: 'single' | 'swift' | 'chain';
  readonly input: { readonly text: string };
  /** What is done behind the program's back, with the task's id as `$1`, and how it is made good again. */
  readonly damage: string;
  readonly repair: string;
  readonly reason: string;
  readonly says: RegExp;
}

const OF_TASK = 'where task_id = $1';
const DAMAGES: readonly Damage[] = [
  {
    title: 'an input of 10 MB that is no JSON',
    graph: 'single',
    input: LARGE,
    damage: `update muster.artifacts set content = decode(repeat('7b', 10000000), 'hex'),
      sha256 = encode(sha256(decode(repeat('7b', 10000000), 'hex')), 'hex') ${OF_TASK}`,
    repair: `update muster.artifacts set content = convert_to('{"text":"x"}', 'UTF8'),
      sha256 = encode(sha256(convert_to('{"text":"x"}', 'UTF8')), 'hex') ${OF_TASK}`,
    reason: 'stored_row_invalid',
    says: /^The row \S+ of artifacts cannot be used: its content is no JSON\./,
  },
  {
    title: 'an input that is another one than was submitted',
    graph: 'single',
    input: LARGE,
    damage: `update muster.artifacts set content = convert_to('{"text":"other"}', 'UTF8') ${OF_TASK}`,
    repair: `update muster.artifacts set sha256 = encode(sha256(content), 'hex') ${OF_TASK}`,
    reason: 'stored_row_invalid',
    says: /its content was changed after it was written/,
  },
  {
    title: 'an input that quick nodes read and that is no JSON',
    graph: 'swift',
    input: LARGE,
    damage: `update muster.artifacts set content = '\\x00ff', sha256 = encode(sha256('\\x00ff'), 'hex') ${OF_TASK}`,
    repair: `update muster.artifacts set content = convert_to('{}', 'UTF8'),
      sha256 = encode(sha256(convert_to('{}', 'UTF8')), 'hex') ${OF_TASK}`,
    reason: 'stored_row_invalid',
    says: /its content is no JSON/,
  },
  {
    title: 'an input that is gone',
    graph: 'single',
    input: LARGE,
    damage: `delete from muster.artifacts ${OF_TASK}`,
    repair: `update muster.tasks set input = '{"text":"x"}', input_artifact_id = null where id = $1`,
    reason: 'stored_row_invalid',
    says: /it is not there/,
  },
  {
    title: 'an input of another shape',
    graph: 'single',
    input: SMALL,
    damage: `update muster.tasks set input = '["no", "object"]' where id = $1`,
    repair: `update muster.tasks set input = '{"text":"x"}' where id = $1`,
    reason: 'handler_input_invalid',
    says: /cannot take its input/,
  },
  {
    title: 'a graph of a version that nobody knows',
    graph: 'chain',
    input: SMALL,
    damage: `update muster.agent_graphs set schema_version = 'v99' where id = (select graph_id from muster.tasks where id = $1)`,
    repair: `update muster.agent_graphs set schema_version = 'v1' where id = (select graph_id from muster.tasks where id = $1)`,
    reason: 'stored_row_invalid',
    says: /^The row \S+ of agent_graphs cannot be used/,
  },
];

describe('F4: a task that cannot be read where it is stored', function () {
  this.timeout(120_000);
  const script = new Script();
  const graphs = scriptedGraphs(script);
  const taskIds = new Map<Damage, string>();
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('unreadable');
    await muster.client.publish(Object.values(graphs));
    for (const each of DAMAGES) {
      const { id } = await muster.client.submit(graphs[each.graph].definition.name, each.input);
      taskIds.set(each, id);
      await behindTheBack(muster, each.damage, [id]);
    }
    await muster.work({ graphs: Object.values(graphs) });
  });
  after(() => muster?.close());

  for (const each of DAMAGES) {
    it(`with ${each.title} is dead-lettered with the reason, keeps its evidence, and is redriven after the repair`, async () => {
      const task = muster.client.task(taskIds.get(each) ?? '');

      const before = await ended(task);
      const letter = (await muster.client.dead({ limit: 500 })).find(({ taskId }) => taskId === task.id);
      await behindTheBack(muster, each.repair, [task.id]);
      await muster.client.redrive(task.id);
      const after = await ended(task);

      assert.equal(before.task.status, 'failed');
      assert.equal(letter?.reason, each.reason);
      assert.match(letter?.error?.message ?? '', each.says);
      assert.equal(letter?.traceId, before.traces[0]?.id);
      assert.equal(after.task.status, 'completed', JSON.stringify(after.task.error));
      assert.deepEqual(evidenceOf(after), evidenceOf(before));
      assert.equal(after.traces[1]?.originTraceId, before.traces[0]?.id);
    });
  }
});

/** What is stored of the first trace; its graph, and the beginnings of its values, are read where they are shown. */
function evidenceOf({ traces: [first] }: TaskView) {
  const { nodes: _, runs = [], ...trace } = first ?? {};
  return { ...trace, runs: runs.map(({ inputStart: __, ...run }) => run) };
}

/** As a superuser whom neither policies nor triggers stop. */
async function behindTheBack(muster: MusterUnderTest, statement: string, values: unknown[]): Promise<void> {
  const url = new URL(muster.stack.superuserUrl);
  url.pathname = new URL(muster.databaseUrl).pathname;
  await withPostgresql(url.toString(), async (client) => {
    await client.query('set session_replication_role = replica');
    const { rowCount } = await client.query(statement, values);
    assert.equal(rowCount, 1, statement);
  });
}
