import assert from 'node:assert/strict';
import type { TaskHandle } from '../../../index.ts';
import { eventually } from '../../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { behindTheBack } from './database.ts';
import { scriptedGraphs } from './graphs.ts';
import { Gate, Script } from './script.ts';

/** What refuses every event, and every change of a trace's row after its first statement. */
const BREAK_TRACES = `
  create function muster.break_traces() returns trigger language plpgsql as $$
    begin raise exception 'the trace writer is broken'; end $$;
  create trigger break_events before insert on muster.trace_events
    for each row execute function muster.break_traces();
  create trigger break_traces before update on muster.agent_traces
    for each row execute function muster.break_traces();`;
const MEND_TRACES = `
  drop trigger break_events on muster.trace_events;
  drop trigger break_traces on muster.agent_traces;
  drop function muster.break_traces();`;

interface TraceRow {
  status: string;
  reply_text: string;
  finished_at: Date | null;
}

describe('the trace of a task', () => {
  const script = new Script();
  const graphs = scriptedGraphs(script);
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('trace');
    await muster.work({ graphs: Object.values(graphs) });
  });
  after(() => muster?.close());
  beforeEach(() => script.reset());

  const traceRows = ({ id }: TaskHandle) =>
    behindTheBack<TraceRow>(
      muster,
      'select status, reply_text, finished_at from muster.agent_traces where task_id = $1',
      [id],
    );

  it('C001: is a row with an empty reply after the start, and the same row with the reply after the end', async () => {
    const gate = new Gate();
    script.on('work', async (context) => {
      await gate.pass(context, {});
      return { reply: 'the answer' };
    });
    const task = await muster.client.submit('single', {});
    await eventually(() => script.calls.length === 1);

    const started = await traceRows(task);
    gate.open();
    await task.result();
    const finished = await traceRows(task);

    assert.deepEqual(started, [{ status: 'running', reply_text: '', finished_at: null }]);
    assert.partialDeepStrictEqual(finished, [{ status: 'completed', reply_text: 'the answer' }]);
    assert.equal(finished.length, 1);
    assert.ok(finished[0]?.finished_at instanceof Date);
  });

  it('lists its runs as they began, those of one moment too', async () => {
    const task = await muster.client.submit('swift', {});
    await task.result();
    await behindTheBack(
      muster,
      `update muster.agent_runs set started_at = '2026-11-30', finished_at = '2026-11-30'
       where trace_id in (select id from muster.agent_traces where task_id = $1)`,
      [task.id],
    );

    const [trace] = (await task.show()).traces;

    assert.deepEqual(
      trace?.runs.map(({ nodeId }) => nodeId),
      ['one', 'two', 'three'],
    );
  });

  it('C001: takes nothing from a task when it cannot be written, and is closed once it can', async () => {
    script.on('first', async (context) => {
      await context.writeArtifact({ name: 'note.txt', mediaType: 'text/plain', content: 'kept' });
      return { node: 'first' };
    });
    await behindTheBack(muster, BREAK_TRACES);

    const tasks = await Promise.all(
      ['single', 'chain', 'swift', 'mixed', 'needed'].map((graph) => muster.client.submit(graph, { urgent: true })),
    );
    const outputs = (await Promise.all(tasks.map((task) => task.result()))).map((result) => result.output);
    const open = (await Promise.all(tasks.map(traceRows))).flat();
    await behindTheBack(muster, MEND_TRACES);
    const closed = await eventually(
      async () => {
        const rows = (await Promise.all(tasks.map(traceRows))).flat();
        assert.deepEqual(new Set(rows.map((row) => row.status)), new Set(['completed']));
        return rows;
      },
      { withinMs: 40_000, everyMs: 250, what: 'every trace to be closed' },
    );

    assert.deepEqual(outputs, [
      { node: 'work' },
      { node: 'second' },
      { node: 'three' },
      { read: { node: 'read' }, join: { node: 'join' } },
      { node: 'last' },
    ]);
    assert.deepEqual(new Set(open.map((row) => row.status)), new Set(['running']));
    assert.equal(closed.length, tasks.length);
    const views = await Promise.all(tasks.map((task) => task.show()));
    for (const view of views) {
      assert.equal(view.traces[0]?.events.at(-1)?.type, 'trace.completed');
      assert.equal(
        view.traces[0]?.runs.every((run) => run.finishedAt !== null),
        true,
      );
    }
  }).timeout(90_000);

  it('keeps every event, and counts no death, while PostgreSQL gives no more than three connections', async () => {
    const items = Array.from({ length: 60 }, () => ({ input: { urgent: true } }));
    const database = new URL(muster.databaseUrl).pathname.slice(1);
    const limit = (connections: number) =>
      behindTheBack(muster, `alter database "${database}" connection limit ${connections}`);
    const tasks = await muster.client.submitMany('mixed', items);
    await limit(3);
    await behindTheBack(
      muster,
      `select pg_terminate_backend(pid) from pg_stat_activity
       where datname = current_database() and pid <> pg_backend_pid()`,
    );

    const ids = tasks.map((task) => task.id);
    const ended = await eventually(
      async () => {
        const rows = await behindTheBack<{ status: string; events: string[]; gaps: boolean; crashes: number }>(
          muster,
          `select t.status, (select sum(crashes)::int from muster.agent_runs u where u.trace_id = r.id) as crashes,
             array_agg(e.type order by e.seq) as events, max(e.seq) <> count(*) as gaps
           from muster.tasks t join muster.agent_traces r on r.task_id = t.id
             join muster.trace_events e on e.trace_id = r.id
           where t.id = any($1) and t.completed_at is not null group by t.status, r.id`,
          [ids],
        );
        assert.equal(rows.length, tasks.length);
        return rows;
      },
      { withinMs: 80_000, everyMs: 250, what: 'every task to end' },
    );
    await limit(-1);

    for (const task of ended) {
      assert.partialDeepStrictEqual(task, { status: 'completed', gaps: false, crashes: 0 });
      assert.deepEqual([task.events[0], task.events.at(-1)], ['trace.started', 'trace.completed']);
      const begun = task.events.filter((type) => type === 'run.started').length;
      assert.equal(task.events.filter((type) => type === 'run.completed').length, begun);
    }
  }).timeout(90_000);
});
