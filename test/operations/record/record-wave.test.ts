import assert from 'node:assert/strict';
import type { KyselyPlugin } from 'kysely';
import { DEFAULT_QUEUE_SETTINGS } from '../../../domain/queues/queue-settings.ts';
import { eventOrderFaults } from '../../../domain/traces/event-order.ts';
import type { ClaimedTask } from '../../../entities/tasks/claimed-task.ts';
import { NOTHING_STORED } from '../../../entities/traces/artifact-repository.ts';
import { TraceRepository } from '../../../entities/traces/trace-repository.ts';
import type { NewTraceEvent } from '../../../operations/record/notes.ts';
import { type NotedRun, recordWave, type WaveNote } from '../../../operations/record/record-wave.ts';
import { Recorder } from '../../../operations/record/recorder.ts';
import { carryTogether, leaveTogether } from '../../../operations/record/shared-traces.ts';
import { withPostgresql } from '../../../servers/probe/probes.ts';
import { ClaimBed } from '../../dispatcher/claim-bed.ts';

const NODES = ['one', 'two', 'three'];

describe('a wave of many tasks', () => {
  let bed: ClaimBed;

  before(async () => {
    bed = await ClaimBed.open('waves', 8);
  });
  after(() => bed?.close());

  const claim = async (count: number) => {
    const claimed = await bed.claim(await bed.insert({ graph: 'swift' }, count));
    assert.equal(claimed.length, count);
    return claimed;
  };
  const log = { error: (_: object, message: string) => assert.fail(message) };
  const record = (notes: readonly WaveNote[]) => recordWave({ database: bed.database, log }, notes);
  const query = async <Row>(text: string, values: readonly unknown[]) =>
    (await withPostgresql(bed.clone.superuserUrl, (client) => client.query(text, [...values]))).rows as Row[];
  const eventsOf = ({ execution }: ClaimedTask) =>
    bed.database.inTenant(execution.tenant, ({ em }) => new TraceRepository(em).events(execution.traceId, 0, 1_000));

  it('writes nothing of a task that has left the shared execution, whose slots stay taken', async () => {
    bed.settings = { ...DEFAULT_QUEUE_SETTINGS, limits: { 'tenant:*': 2 } };
    const [leaver, other] = await claim(2);
    bed.settings = DEFAULT_QUEUE_SETTINGS;
    assert.ok(leaver && other);
    const traces = [leaver, other].map(({ execution }) => execution.traceId);
    const carrier = 'tasks/one';
    await bed.database.single.inSystem('dispatch', ({ em }) => carryTogether(em, carrier, traces));

    await leaveTogether({ database: bed.database, settings: bed.settings, log }, carrier, traces.slice(0, 1));
    const outcomes = await record([whole(leaver), whole(other)]);

    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['stale', 'written'],
    );
    assert.deepEqual(
      (await eventsOf(leaver)).map(({ type }) => type),
      ['trace.started'],
    );
    const [held] = await query<{ fence: string; own: string }>(
      `select s.fence, t.fence as own from muster.concurrency_slots s join muster.tasks t on t.id = s.task_id
       where t.id = $1`,
      [leaver.execution.taskId],
    );
    assert.deepEqual(held, { fence: '2', own: '2' });
    const fence = Number(held?.own);
    const own = whole({ ...leaver, execution: { ...leaver.execution, fence } });
    assert.deepEqual(
      (await record([own])).map(({ kind }) => kind),
      ['written'],
    );
  });

  it('ends each task with its runs, events, audit row and outgoing event, except those that are refused', async () => {
    const claimed = await claim(50);
    const notes = claimed.map(whole);
    const stale = [3, 17, 40].map((index) => replaceNote(notes, index, (note) => staleNote(note)));
    const odd = replaceNote(notes, 25, (note) => ({
      ...note,
      runs: [run('one'), { run: { ...run('two').run, kind: 'none such' } }],
    }));
    const known = claimed[30];
    assert.ok(known);
    await record([{ ...whole(known), end: null, events: [] }]);

    const outcomes = await record(notes);

    const kinds = Object.groupBy(outcomes.entries(), ([, { kind }]) => kind);
    assert.deepEqual(
      kinds.stale?.map(([index]) => index),
      stale,
    );
    assert.deepEqual(
      kinds.failed?.map(([index]) => index),
      [odd],
    );
    assert.deepEqual(
      kinds.known?.map(([index]) => index),
      [30],
    );
    assert.equal(kinds.written?.length, 45);
    const refused = [...stale, odd];
    for (const [index, task] of claimed.entries()) {
      const events = await eventsOf(task);
      if (index === 30) continue;
      if (refused.includes(index))
        assert.deepEqual(
          events.map(({ type }) => type),
          ['trace.started'],
        );
      else assert.deepEqual(eventOrderFaults(events), []);
    }
    const [counts] = await query(
      `select (select count(*)::int from muster.tasks t where t.id = any($1) and t.status = 'completed') as completed,
        (select count(*)::int from muster.agent_runs r join muster.agent_traces n on n.id = r.trace_id
          where n.task_id = any($1) and r.status = 'ok') as runs,
        (select count(*)::int from muster.outbox o where o.task_id = any($1) and o.topic = 'task.finished') as sent,
        (select count(*)::int from muster.audit_log a where a.subject_id = any($1::text[])
          and a.action = 'task.completed') as audited`,
      [claimed.map(({ execution }) => execution.taskId)],
    );
    assert.deepEqual(counts, { completed: 45, runs: 46 * 3, sent: 45, audited: 45 });
  });

  it('writes nothing twice when it is repeated after its answer was lost', async () => {
    const notes = (await claim(10)).map(whole);

    await record(notes);
    const again = await record(notes);

    assert.deepEqual(
      again.map(({ kind }) => kind),
      notes.map(() => 'known'),
    );
  });

  it('numbers events without a gap, and nobody waits in a ring, with writers to the same traces at the same time', async () => {
    const claimed = await claim(20);
    const traces = claimed.map(({ execution }) => execution);
    const deadlocks = () =>
      query<{ count: string }>(
        `select deadlocks as count from pg_stat_database
      where datname = current_database()`,
        [],
      );
    const before = await deadlocks();

    await Promise.all(
      Array.from({ length: 6 }, async (_, writer) => {
        const order = writer % 2 === 0 ? claimed : claimed.toReversed();
        for (let group = 0; group < 15; group += 1) {
          await record(order.map((task) => ({ ...whole(task), runs: [run(`${writer}/${group}`)], end: null })));
        }
      }),
    );
    await record(claimed.map((task) => ({ ...whole(task), runs: [run('last')] })));

    for (const trace of traces) {
      const seqs = await query<{ seq: number }>(
        'select seq from muster.trace_events where trace_id = $1 order by seq',
        [trace.traceId],
      );
      assert.deepEqual(
        seqs.map(({ seq }) => seq),
        Array.from({ length: 1 + 6 * 15 * 6 + 6 + 1 }, (_, index) => index + 1),
      );
    }
    assert.deepEqual(await deadlocks(), before);
  });

  it('takes two statements, however many tasks there are', async () => {
    const notes = (await claim(50)).map(whole);
    let statements = 0;
    const counting = Object.assign(Object.create(bed.database) as typeof bed.database, {
      inTenant: ((tenant, work) =>
        bed.database.inTenant(tenant, (tx) => {
          const counter: KyselyPlugin = {
            transformQuery: ({ node }) => node,
            transformResult: async ({ result }) => {
              statements += 1;
              return result;
            },
          };
          tx.em.setTransactionContext(tx.em.getKysely().withPlugin(counter));
          return work(tx);
        })) as typeof bed.database.inTenant,
    });

    await recordWave({ database: counting, log }, notes);

    assert.equal(statements, 2);
  });

  it('leaves a slow node alone that writes to one of its traces at the same time', async () => {
    const claimed = await claim(20);
    const node = { nodeId: 'slow', agent: 'slow-step', kind: 'agent' };
    const attempt = { workflowRun: 'run', activityAttempt: 1, process: 'test' };
    const inTask = <Result>({ execution }: ClaimedTask, work: (recorder: Recorder) => Promise<Result>) =>
      bed.database.inTenant(execution.tenant, ({ em }) => work(new Recorder(em)));
    const end = {
      ...node,
      ...{ status: 'ok' as const, attempts: 1, failures: 0, outcome: null, output: NOTHING_STORED, error: null },
      ...{ startedAt: null, finishedAt: new Date() },
    };

    await Promise.all([
      ...claimed.map(async (task) => {
        await inTask(task, (recorder) => recorder.runBegan(task.execution, node, attempt));
        assert.equal(await inTask(task, (recorder) => recorder.runEnded(task.execution, end)), true);
      }),
      record(claimed.map((task) => ({ ...whole(task), end: null }))),
    ]);
    await record(claimed.map((task) => ({ ...whole(task), runs: [], events: [] })));

    for (const task of claimed) assert.deepEqual(eventOrderFaults(await eventsOf(task)), []);
  });
});

function whole({ execution }: ClaimedTask): WaveNote {
  const end = { status: 'completed' as const, failure: null, output: { name: 'output', value: 'ok' }, reply: 'ok' };
  return { execution, runs: NODES.map(run), events: NODES.flatMap(eventsOfRun), end };
}

function run(nodeId: string): NotedRun {
  const at = new Date();
  const ended = { status: 'ok' as const, attempts: 1, failures: 0, outcome: null, error: null };
  const when = { startedAt: at, finishedAt: at };
  const run = { ...{ nodeId, agent: 'quick-step', kind: 'agent' }, ...ended, ...when, output: NOTHING_STORED };
  return { run, output: { from: nodeId } };
}

function eventsOfRun(nodeId: string): NewTraceEvent[] {
  return [
    { type: 'run.started', nodeId, data: { attempt: 1 }, at: new Date() },
    { type: 'run.completed', nodeId, data: { attempt: 1 }, at: new Date() },
  ];
}

function staleNote(note: WaveNote): WaveNote {
  return { ...note, execution: { ...note.execution, fence: note.execution.fence - 1 } };
}

/** Puts another note in the place of one. @returns the place */
function replaceNote(notes: WaveNote[], index: number, change: (note: WaveNote) => WaveNote): number {
  const note = notes[index];
  assert.ok(note);
  notes[index] = change(note);
  return index;
}
