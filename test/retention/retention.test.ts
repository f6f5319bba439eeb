import assert from 'node:assert/strict';
import type { Client } from '@temporalio/client';
import { loadConfig } from '../../config.ts';
import { openDatabase } from '../../database/open-orm.ts';
import type { Database } from '../../database/transaction.ts';
import { type RetentionReport, retentionTable } from '../../domain/retention/retention.ts';
import { pruneAll } from '../../operations/retention/prune.ts';
import { findConnections } from '../../servers/find/find-connections.ts';
import { RETENTION_SCHEDULE } from '../../temporal/schedules.ts';
import { prepareInstallation } from '../../worker/wire/prepare-installation.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { behindTheBack } from '../system/acceptance/database.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Gate, Script } from '../system/acceptance/script.ts';
import { ended } from '../system/acceptance/views.ts';

/** What a task takes with it. */
const TABLES = ['tasks', 'agent_traces', 'agent_runs', 'trace_events', 'artifacts', 'agent_messages', 'outbox'];

const NOTHING = { tasks: 0, agent_traces: 0, agent_runs: 0, trace_events: 0, artifacts: 0, outbox: 0 };

describe('retention', () => {
  const script = new Script();
  const graphs = scriptedGraphs(script);
  let muster: MusterUnderTest;
  let database: Database;
  let temporal: Client;

  before(async () => {
    muster = await openMuster('retention');
    await muster.work({ graphs: Object.values(graphs) });
    database = openDatabase({ url: muster.databaseUrl, poolSize: 2, applicationName: 'retention' });
    temporal = await muster.temporal();
  });
  after(async () => {
    await database?.close();
    await muster?.close();
  });
  beforeEach(() => script.reset());

  const sql = (text: string) => behindTheBack<{ count: number; id: string }>(muster, text);
  const countsOf = async (taskId: string): Promise<Record<string, number>> => {
    const traces = `select id from muster.agent_traces where task_id = '${taskId}'`;
    const wheres: Record<string, string> = {
      tasks: `id = '${taskId}'`,
      agent_runs: `trace_id in (${traces})`,
      trace_events: `trace_id in (${traces})`,
    };
    const counts = ['tasks', 'agent_traces', 'agent_runs', 'trace_events', 'artifacts', 'outbox'].map(async (table) => {
      const [row] = await sql(
        `select count(*)::int as count from muster.${table} where ${wheres[table] ?? `task_id = '${taskId}'`}`,
      );
      return [table, row?.count ?? 0] as const;
    });
    return Object.fromEntries(await Promise.all(counts));
  };
  /** Makes all rows of a task as old as `days`, as far as they have a time. */
  const age = (taskId: string, days: number) =>
    sql(`
      set session_replication_role = replica;
      update muster.tasks set created_at = created_at - interval '${days} days',
        completed_at = completed_at - interval '${days} days' where id = '${taskId}';
      update muster.artifacts set created_at = created_at - interval '${days} days' where task_id = '${taskId}';
      update muster.outbox set created_at = created_at - interval '${days} days',
        sent_at = coalesce(sent_at, now()) - interval '${days} days' where task_id = '${taskId}';
      update muster.trace_events set at = at - interval '${days} days'
        where trace_id in (select id from muster.agent_traces where task_id = '${taskId}');
      update muster.agent_runs set created_at = created_at - interval '${days} days',
        finished_at = finished_at - interval '${days} days'
        where trace_id in (select id from muster.agent_traces where task_id = '${taskId}');
      update muster.agent_traces set created_at = created_at - interval '${days} days',
        finished_at = finished_at - interval '${days} days' where task_id = '${taskId}'`);
  const finished = async (graph = 'swift') => {
    const task = await muster.client.submit(graph, { text: 'x'.repeat(20_000) });
    await ended(task);
    return task.id;
  };
  const rowsByTable = (reports: readonly RetentionReport[]) =>
    Object.fromEntries(reports.map((report) => [report.resource, report.rows]));

  it('C082: has a policy for every table that it prunes', async () => {
    const reports = await pruneAll(database, { dryRun: true });

    assert.deepEqual(
      reports.map((report) => report.resource).toSorted(),
      [...TABLES, 'operation_keys', 'conversations'].toSorted(),
    );
    assert.ok(reports.every((report) => report.enabled && report.dryRun && report.maxAgeDays > 0));
  });

  it('C082: counts in a dry run what would go, and changes nothing', async () => {
    const old = await finished();
    await age(old, 100);
    const before = await countsOf(old);

    const reports = await pruneAll(database, { dryRun: true });

    assert.deepEqual(await countsOf(old), before);
    assert.partialDeepStrictEqual(rowsByTable(reports), { tasks: 1, agent_traces: 1, agent_runs: 3, artifacts: 1 });
  });

  it('C082: removes in batches exactly what is old and has ended, and notes what it did', async () => {
    const olds = [await finished(), await finished('chain'), await finished('needed')];
    const young = await finished();
    for (const id of olds) await age(id, 100);
    await age(young, 20);
    const gate = new Gate();
    script.on('second', gate.pass);
    const open = await muster.client.submit('chain', { text: 'x'.repeat(20_000) });
    await eventually(() => script.callsOf('second').length === 1);
    await age(open.id, 1_000);
    const waiting = await finished();
    await sql(`set session_replication_role = replica; update muster.tasks set status = 'pending', completed_at = null,
      task_queue = 'nobody' where id = '${waiting}'`);
    await age(waiting, 1_000);
    const kept = { open: await countsOf(open.id), waiting: await countsOf(waiting), young: await countsOf(young) };
    await sql('update muster.retention_policies set batch_size = 2');

    const progress: RetentionReport[] = [];
    const reports = await pruneAll(database, { dryRun: false, progress: (report) => progress.push(report) });
    const left = { open: await countsOf(open.id), waiting: await countsOf(waiting), young: await countsOf(young) };
    const again = await pruneAll(database, { dryRun: false });
    gate.open();
    const view = await ended(open);

    for (const id of olds) assert.deepEqual({ ...(await countsOf(id)), outbox: 0 }, NOTHING);
    // Sent outbox rows are kept for seven days of whatever task.
    const withoutOutbox = (counts: typeof kept) =>
      Object.fromEntries(Object.entries(counts).map(([name, count]) => [name, { ...count, outbox: 0 }]));
    assert.deepEqual(withoutOutbox(left), withoutOutbox(kept));
    assert.ok(progress.filter((report) => report.resource === 'agent_runs').length > 2, 'there were several batches');
    assert.ok((rowsByTable(reports).tasks ?? 0) >= 3);
    assert.equal(again.length, reports.length);
    assert.ok(again.every(({ rows }) => rows === 0));
    assert.equal(view.task.status, 'completed');
    const [noted] = await behindTheBack<{ last_removed: string; last_run_at: Date }>(
      muster,
      `select last_removed, last_run_at from muster.retention_policies where resource = 'tasks'`,
    );
    assert.equal(Number(noted?.last_removed), 0);
    assert.ok(noted?.last_run_at instanceof Date);
  });

  it('C082: leaves alone what its policy does not cover', async () => {
    const old = await finished();
    await age(old, 100);
    await sql(`update muster.retention_policies set enabled = false`);

    const reports = await pruneAll(database, { dryRun: false });
    const counts = await countsOf(old);
    await sql(`update muster.retention_policies set enabled = true`);

    assert.ok(reports.length > 0 && reports.every((report) => !report.enabled && report.rows === 0));
    assert.equal(counts.tasks, 1);
  });

  it('C082: removes what was sent of every topic, also of submits, whose rows name no single task', async () => {
    const old = await finished();
    const rows = `(payload -> 'taskIds' @> '["${old}"]' or task_id = '${old}')`;
    const sent = () => sql(`select id from muster.outbox where ${rows} and sent_at is not null`);
    await eventually(async () => (await sent()).length === 2, { what: 'submit and end to be sent' });
    await sql(`update muster.outbox set sent_at = sent_at - interval '8 days' where ${rows}`);

    await pruneAll(database, { dryRun: false });

    assert.deepEqual(await sql(`select id from muster.outbox where ${rows}`), []);
    assert.equal((await countsOf(old)).tasks, 1);
  });

  it('C082: continues with the other policies when one fails, and says which one failed and why', async () => {
    const old = await finished();
    await age(old, 100);
    await sql(`create function muster.refuse() returns trigger language plpgsql as
        $$ begin raise exception 'kept for the auditors'; end $$;
      create trigger refuse before delete on muster.agent_runs for each row execute function muster.refuse()`);
    const lines: unknown[] = [];
    const log = { error: (facts: { resource?: unknown }) => void lines.push(facts.resource) };

    const reports = await pruneAll(database, { dryRun: false, log }).finally(() =>
      sql('drop function muster.refuse() cascade'),
    );

    const failed = reports.filter(({ failure }) => failure !== null);
    assert.deepEqual(failed.map(({ resource }) => resource).toSorted(), ['agent_runs', 'agent_traces', 'tasks']);
    assert.match(failed[0]?.failure ?? '', /kept for the auditors/);
    assert.deepEqual(lines.toSorted(), ['agent_runs', 'agent_traces', 'tasks']);
    assert.equal((await countsOf(old)).trace_events, 0);
    assert.match(retentionTable(reports), /\| agent_runs \| 90 d \| 0 \| failed: .*kept for the auditors/);
  });

  it('C082: gives up messages that nobody took for as long as messages are kept, and removes them when they have been dead for as long', async () => {
    const message = (id: string, days: number, expires: string | null = null) =>
      sql(`
      insert into muster.agent_messages ("timestamp", available_at, id, tenant_id, message_type, payload, expires_at)
      values (now() - interval '${days} days', now() - interval '${days} days', '${id}', 'default', 'command', '{}',
        ${expires === null ? 'null' : `now() - interval '${expires}'`})`);
    const [unclaimed, expired, young] = [crypto.randomUUID(), crypto.randomUUID(), crypto.randomUUID()];
    await message(unclaimed, 31);
    await message(expired, 2, '2 hours');
    await message(young, 29);
    const states = async () =>
      Object.fromEntries(
        (
          await behindTheBack<{ id: string; status: string; dead_reason: string | null }>(
            muster,
            `select id, status, dead_reason from muster.agent_messages where id in ('${unclaimed}', '${expired}', '${young}')`,
          )
        ).map((row) => [row.id, `${row.status} ${row.dead_reason ?? ''}`.trim()]),
      );

    const reports = await pruneAll(database, { dryRun: false });
    const first = await states();
    await sql(`update muster.agent_messages set dead_at = dead_at - interval '31 days' where id = '${unclaimed}'`);
    await pruneAll(database, { dryRun: false });

    assert.equal(reports.find(({ resource }) => resource === 'agent_messages')?.buried, 2);
    assert.deepEqual(first, {
      [unclaimed]: 'dead unclaimed: no process of its agent took it for 30 days',
      [expired]: 'dead expired',
      [young]: 'pending',
    });
    assert.deepEqual(await states(), { [expired]: 'dead expired', [young]: 'pending' });
  });

  it('tells the end of a task whose trace, events or output it has removed', async () => {
    script.on('three', async () => ({ text: 'x'.repeat(20_000) }));
    const long = await finished();
    script.reset();
    const short = (await muster.client.submit('swift', {})).id;
    await ended(muster.client.task(short));
    const task = muster.client.task(short);
    const { output } = await task.result();
    const first = async (options = {}) => {
      for await (const event of task.events(options)) return event.seq;
      return null;
    };

    await sql(`set session_replication_role = replica; delete from muster.trace_events e using muster.agent_traces t
      where t.id = e.trace_id and t.task_id = '${short}'`);
    await assert.rejects(first(), {
      code: 'trace_pruned',
      message: /is completed, and retention has removed its events/,
    });
    const events = (await task.show()).traces[0]?.events;
    const lastSeq = 8;
    assert.equal(await first({ after: lastSeq }), null);
    await sql(`delete from muster.agent_traces where task_id in ('${short}', '${long}')`);
    await assert.rejects(first(), { code: 'trace_pruned' });
    await sql(`delete from muster.artifacts where task_id = '${long}' and name like '%output%'`);

    assert.deepEqual(events, []);
    assert.deepEqual(await task.result(), { output, trace: null });
    assert.deepEqual((await task.show()).pruned, { traces: true, output: false });
    await assert.rejects(muster.client.task(long).result(), { code: 'trace_pruned', message: /removed its output/ });
    assert.deepEqual((await muster.client.task(long).show()).pruned, { traces: true, output: true });
  });

  it('C082: stops between two batches when it is told to', async () => {
    const stop = new AbortController();
    for (const id of [await finished(), await finished()]) await age(id, 100);
    await sql('update muster.retention_policies set batch_size = 1');

    const pruning = pruneAll(database, { dryRun: false, signal: stop.signal, progress: () => stop.abort() });

    await assert.rejects(pruning, { name: 'AbortError' });
  });

  it('C082: has a Schedule after the set-up, made once, which prunes', async () => {
    const handle = temporal.schedule.getHandle(RETENTION_SCHEDULE);
    await handle.delete().catch(() => undefined);
    const config = loadConfig(muster.environment);
    const connections = await findConnections(config.services);
    const prepare = () => prepareInstallation({ config, connections, report: () => undefined });
    const old = await finished();
    await age(old, 100);

    await prepare();
    await handle.pause('left so by its operator');
    await prepare();
    const paused = (await handle.describe()).state.paused;
    await handle.unpause();
    await handle.trigger();
    await eventually(async () => (await countsOf(old)).tasks === 0, {
      withinMs: 20_000,
      what: 'the Schedule to prune',
    });
    const description = await handle.describe();
    await handle.delete();

    assert.equal(paused, true);
    assert.deepEqual(description.spec.calendars?.map(({ hour, minute }) => [hour, minute]).flat(2), [
      { start: 3, end: 3, step: 1 },
      { start: 17, end: 17, step: 1 },
    ]);
    assert.equal(description.policies.overlap, 'SKIP');
  });
});
