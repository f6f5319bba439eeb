import assert from 'node:assert/strict';
import type { TRACE_EVENT_TYPES } from '../../../domain/traces/events.ts';
import { eventually } from '../../support/eventually.ts';
import { MIXED_EFFECTS } from './graphs.ts';
import type { World } from './world.ts';

export interface Expectation {
  /** Fewer tasks than this, and the test has shown nothing. */
  readonly atLeast: number;
  /** Keys of the tasks that may have failed; every other one has to be completed. */
  readonly mayFail?: readonly string[];
}

/**
 * Checks everything that holds once all tasks have ended, whatever went wrong before: enough was done, every
 * acknowledged submit is one task with one end, one workflow and one trace, runs and events are whole, and each effect
 * happened once.
 */
export async function check(world: World, expectation: Expectation): Promise<void> {
  const acknowledged = world.history.acknowledged();
  assert.ok(acknowledged.size >= expectation.atLeast, `only ${acknowledged.size} tasks were acknowledged`);
  assert.deepEqual(world.history.failures(), []);
  assert.deepEqual(world.history.unresolved(), []);
  await checkTasks(world, acknowledged, expectation.mayFail ?? []);
  await checkTraces(world);
  await checkRuns(world);
  await checkEvents(world);
  await checkOwners(world);
  await checkWorkflows(world);
  await checkEffects(world);
}

/** Every acknowledged task is there and ended once; nothing is there that nobody submitted. */
async function checkTasks(
  world: World,
  acknowledged: ReadonlyMap<string, string>,
  mayFail: readonly string[],
): Promise<void> {
  const rows = await world.query<{ id: string; key: string; status: string; ends: number; audited: number }>(`
    select t.id, t.idempotency_key as key, t.status,
      (select count(*)::int from muster.audit_log a where a.subject_id = t.id::text
        and a.action in ('task.completed', 'task.failed', 'task.cancelled')) as ends,
      (select count(*)::int from muster.audit_log a where a.subject_id = t.id::text
        and a.action = 'task.submitted') as audited
    from muster.tasks t`);
  assert.deepEqual(
    rows.map((row) => `${row.key} ${row.id}`).toSorted(),
    [...acknowledged].map(([key, id]) => `${key} ${id}`).toSorted(),
    'the tasks are not those that were acknowledged',
  );
  const odd = rows.filter((row) => row.ends !== 1 || row.audited !== 1);
  assert.deepEqual(odd, [], 'not submitted once and ended once');
  const failed = rows.filter((row) => row.status !== 'completed' && !mayFail.includes(row.key));
  assert.deepEqual(failed, [], 'not completed');
}

/** Every task has one trace that ended as it did, but for those that were cancelled before their start. */
export async function checkTraces(world: World): Promise<void> {
  const odd = await world.query(`
    select t.id, t.status, count(r.id)::int as traces, array_agg(r.status) as ended_as
    from muster.tasks t left join muster.agent_traces r on r.task_id = t.id
    group by t.id having count(r.id) <> case when t.status = 'cancelled' then t.trace_count else 1 end
      or t.trace_count > 1 or bool_or(r.id is not null and (r.status <> t.status or r.finished_at is null))`);
  assert.deepEqual(odd, [], 'not one trace that ended like its task');
}

/** Every run is settled, and there is one for each node, but for the nodes that a cancel left without one. */
export async function checkRuns(world: World): Promise<void> {
  const odd = await world.query(`
    select t.id, count(r.id)::int as runs, count(distinct r.node_id)::int as nodes,
      count(*) filter (where r.finished_at is null)::int as open
    from muster.agent_traces t left join muster.agent_runs r on r.trace_id = t.id
    group by t.id having count(*) filter (where r.finished_at is null) > 0
      or count(r.id) <> count(distinct r.node_id) or (t.status <> 'cancelled'
        and count(r.id) <> (select count(*) from muster.agent_components c where c.graph_id = t.graph_id))`);
  assert.deepEqual(odd, [], 'not one settled run for each node');
}

/** Every recorded row has its task or trace, in its own tenant: no foreign key holds that. */
export async function checkOwners(world: World): Promise<void> {
  const odd = await world.query(`
    select 'agent_runs' as what, o.trace_id as id from muster.agent_runs o
      where not exists (select from muster.agent_traces r where r.id = o.trace_id and r.tenant_id = o.tenant_id)
    union all select 'trace_events', o.trace_id from muster.trace_events o
      where not exists (select from muster.agent_traces r where r.id = o.trace_id and r.tenant_id = o.tenant_id)
    union all select 'agent_traces', o.task_id from muster.agent_traces o
      where not exists (select from muster.tasks t where t.id = o.task_id and t.tenant_id = o.tenant_id)
    union all select 'outbox', o.task_id from muster.outbox o where o.task_id is not null
      and not exists (select from muster.tasks t where t.id = o.task_id and t.tenant_id = o.tenant_id)`);
  assert.deepEqual(odd, [], 'rows whose task or trace is not there');
}

interface EventRow {
  readonly trace_id: string;
  readonly seq: number;
  readonly type: (typeof TRACE_EVENT_TYPES)[number];
  readonly node_id: string | null;
}

/** The events of every trace are numbered without a gap and tell one whole story for the trace and for each node. */
export async function checkEvents(world: World): Promise<void> {
  const rows = await world.query<EventRow>(`
    select trace_id, seq, type, node_id from muster.trace_events order by trace_id, seq`);
  const faults = [...Map.groupBy(rows, (row) => row.trace_id)].flatMap(([id, events]) =>
    eventFaults(events).map((fault) => `${id}: ${fault}: ${events.map(short).join(' ')}`),
  );
  assert.deepEqual(faults, [], 'events are not whole');
  const traces = new Set(rows.map((row) => row.trace_id)).size;
  assert.equal(traces, await world.count('trace_count > 0'), 'a trace has no events');
}

function short(event: EventRow): string {
  return `${event.seq}:${event.type}${event.node_id === null ? '' : `(${event.node_id})`}`;
}

/** What is wrong with the events of one trace, given in the order of their numbers. */
function eventFaults(events: readonly EventRow[]): string[] {
  const faults: string[] = [];
  if (events.some((event, index) => event.seq !== index + 1)) faults.push('a gap');
  const ends = events.filter((event) => /^trace\.(completed|failed|cancelled)$/.test(event.type));
  if (ends.length !== 1 || ends[0] !== events.at(-1)) faults.push('not one end, at the end');
  for (const [node, own] of Map.groupBy(events, (event) => event.node_id)) {
    if (node === null) continue;
    const types = own.map((event) => event.type);
    const terminal = types.filter((type) => /^run\.(completed|failed|skipped)$/.test(type));
    const started = types.filter((type) => type === 'run.started').length;
    if (terminal.length !== 1 || types.at(-1) !== terminal[0]) faults.push(`${node} has not one end, at the end`);
    if (started !== (terminal[0] === 'run.skipped' ? 0 : 1)) faults.push(`${node} started ${started} times`);
  }
  return faults;
}

/**
 * Temporal knows one execution of each task that was claimed, its own under its name or the shared one that carried it,
 * and all of them are closed. A shared one that all its tasks have left is of none.
 */
export async function checkWorkflows(world: World): Promise<void> {
  const claimed = await world.query<{ id: string }>(
    `select distinct coalesce(r.carried_by, 'task/' || t.id || '/1') as id
     from muster.tasks t join muster.agent_traces r on r.task_id = t.id where t.trace_count > 0`,
  );
  const expected = claimed.map(({ id }) => id).toSorted();
  const query = `TaskQueue = '${world.muster.taskQueue}' and WorkflowType in ('executeTask', 'executeTasks')`;
  await eventually(
    async () => {
      const found: string[] = [];
      const open: string[] = [];
      for await (const workflow of world.temporal.workflow.list({ query, pageSize: 1_000 })) {
        const { workflowId } = workflow;
        if (workflowId.startsWith('task/') || expected.includes(workflowId)) found.push(workflowId);
        if (workflow.status.name === 'RUNNING') open.push(workflow.workflowId);
      }
      assert.deepEqual(found.toSorted(), expected, 'not one workflow for each task');
      assert.deepEqual(open, [], 'open workflows');
    },
    { withinMs: 60_000, everyMs: 500, what: 'one closed workflow for each task' },
  );
}

/**
 * Every step of a completed `mixed` or `small` task had its effect once, and no subject of a task had one twice. Subjects without a
 * slash are tallies of a test.
 */
export async function checkEffects(world: World): Promise<void> {
  const record = await world.sink.record();
  const doubled = [...record.subjects].filter(([subject, effects]) => subject.includes('/') && effects > 1);
  assert.deepEqual(doubled, [], 'effects that happened twice');
  const labels = await world.query<{ label: string }>(`
    select input ->> 'label' as label from muster.tasks where graph_name in ('mixed', 'small') and status = 'completed'`);
  const missing = labels.flatMap(({ label }) =>
    MIXED_EFFECTS.filter((step) => record.effectsOn(`${label}/${step}`) !== 1).map((step) => `${label}/${step}`),
  );
  assert.deepEqual(missing, [], 'effects that did not happen');
  const pending = await world.query(`
    select e.effect_key from muster.activity_effects e join muster.tasks t on t.id = e.task_id
    where e.state = 'pending' and t.status = 'completed'`);
  assert.deepEqual(pending, [], 'effects of completed tasks without a record');
}

/** For each ordinary activity of a workflow, by its id: the attempt that the server counts. */
export async function temporalAttempts(world: World, taskId: string): Promise<Map<string, number>> {
  const { events } = await world.temporal.workflow.getHandle(`task/${taskId}/1`).fetchHistory();
  const names = new Map<string, string>();
  const attempts = new Map<string, number>();
  for (const event of events ?? []) {
    const { activityTaskScheduledEventAttributes: scheduled, activityTaskStartedEventAttributes: started } = event;
    if (scheduled?.activityId != null) names.set(String(event.eventId), scheduled.activityId);
    if (started != null) attempts.set(names.get(String(started.scheduledEventId)) ?? '', started.attempt ?? 0);
  }
  return attempts;
}
