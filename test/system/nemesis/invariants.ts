import assert from 'node:assert/strict';
import { sql } from 'kysely';
import { eventually } from '../../support/eventually.ts';
import type { Caller } from './caller.ts';
import type { Installation } from './installation.ts';
import { admissions, crowdedWindows, type Disturbance, localTimes } from './limits.ts';

interface TaskRow {
  readonly id: string;
  readonly tenant: string;
  readonly key: string;
  readonly status: string;
  readonly code: string | null;
  readonly crashes: number;
  readonly ends: number;
  readonly audited: number;
}

/** All tasks as PostgreSQL has them, with what was audited of each. */
export function readTasks({ world }: Installation): Promise<TaskRow[]> {
  return world.query<TaskRow>(`
    select t.id, t.tenant_id as tenant, t.idempotency_key as key, t.status, t.error ->> 'code' as code,
      (select coalesce(max(r.crashes), 0)::int from muster.agent_traces a join muster.agent_runs r on r.trace_id = a.id
        where a.task_id = t.id) as crashes,
      (select count(*)::int from muster.audit_log a where a.subject_id = t.id::text
        and a.action in ('task.completed', 'task.failed', 'task.cancelled')) as ends,
      (select count(*)::int from muster.audit_log a where a.subject_id = t.id::text
        and a.action = 'task.submitted') as audited
    from muster.tasks t order by t.id`);
}

/** I1: the tasks are those that were acknowledged, each with one end that somebody or something gave a reason for. */
export function checkEnds({ callers }: Installation, rows: readonly TaskRow[]): void {
  const acknowledged = callers.flatMap(({ tenant, history }) =>
    [...history.acknowledged()].map(([key, id]) => `${tenant} ${key} ${id}`),
  );
  assert.deepEqual(
    rows.map((row) => `${row.tenant} ${row.key} ${row.id}`).toSorted(),
    acknowledged.toSorted(),
    'the tasks are not those that were acknowledged',
  );
  assert.deepEqual(
    rows.filter((row) => !isEnd(row, callers)),
    [],
    'tasks that ended without a reason, or not at all',
  );
}

/** How a node ends whose attempts were lost: its workers died, were stopped, or were cut off from Temporal. */
const LOST: ReadonlySet<string> = new Set(['handler_crashed', 'heartbeat_missed', 'event_loop_blocked']);

/** Completed; or cancelled, where its own tenant asked for it; or failed, where three of its attempts were lost. */
function isEnd(row: TaskRow, callers: readonly Caller[]): boolean {
  if (row.status === 'completed') return true;
  if (row.status === 'failed') return LOST.has(row.code ?? '') && row.crashes >= 3;
  const owner = callers.find(({ tenant }) => tenant === row.tenant);
  return row.status === 'cancelled' && owner?.cancelled.has(row.key) === true;
}

/** I1, I2 for messages: each one was processed, and heard once; those of completed tasks were all sent. */
export async function checkMessages({ world }: Installation): Promise<number> {
  const odd = await world.query(`
    select id, status, to_jsonb(m) -> 'error' as error from muster.agent_messages m where status <> 'processed'`);
  assert.deepEqual(odd, [], 'messages that were not processed');
  const record = await world.sink.record();
  const labels = await world.query<{ label: string }>(`
    select input ->> 'label' as label from muster.tasks where graph_name = 'talking' and status = 'completed'`);
  const missing = labels.filter(({ label }) => record.effectsOn(`${label}/heard`) !== 1);
  assert.deepEqual(missing, [], 'messages that were not heard once');
  return labels.length;
}

/** I6: nothing was let in beyond burst and rate, and no slot is left behind. Answers how many were let in. */
export async function checkLimits(
  { world }: Installation,
  { disturbances, limitedUntilMs }: { disturbances: readonly Disturbance[]; limitedUntilMs: number },
): Promise<{ admitted: number; refused: number }> {
  const admitted = await admissions(world, limitedUntilMs);
  assert.deepEqual(
    admitted.filter(({ source }) => source === 'no limit'),
    [],
    'calls that nobody held to the limit',
  );
  const times = admitted.map(({ atMs }) => atMs);
  const local = localTimes(admitted);
  assert.deepEqual(crowdedWindows(times, [...disturbances, ...local]).slice(0, 10), []);
  assert.deepEqual(await world.query('select * from muster.concurrency_slots'), [], 'slots of tasks that have ended');
  return { admitted: admitted.length, refused: (await world.sink.record()).effectsOn('rate_limited') };
}

/** I5: as many audit rows as there were audited actions. */
export function checkAudit(rows: readonly TaskRow[]): void {
  assert.deepEqual(
    rows.filter((row) => row.audited !== 1 || row.ends !== 1),
    [],
    'not audited once as submitted and once as ended',
  );
}

/** I7: what each tenant can see of every table, through its own unit of work, is exactly its own. */
export async function checkTenants({ world, callers }: Installation): Promise<void> {
  const tables = await world.query<{ name: string }>(`
    select table_name as name from information_schema.columns c join information_schema.tables t
      using (table_schema, table_name)
    where table_schema = 'muster' and column_name = 'tenant_id' and table_type = 'BASE TABLE' order by 1`);
  for (const { name } of tables) {
    const [foreign] = await world.query<{ count: number }>(
      `select count(*)::int as count from muster."${name}" where tenant_id not in ('system', 'default', 'second')`,
    );
    assert.equal(foreign?.count, 0, `rows of nobody in ${name}`);
    for (const caller of callers) await checkSight(caller, name);
  }
}

async function checkSight({ stores, tenant }: Caller, table: string): Promise<void> {
  const seen = await stores.database
    .inTenant(stores.tenant, ({ em }) =>
      sql<{ tenant_id: string }>`
        select distinct tenant_id from ${sql.table(`muster.${table}`)}`.execute(em.getKysely()),
    )
    .then(
      ({ rows }) => rows.map((row) => row.tenant_id),
      // A table that a tenant may not read at all shows nothing.
      () => [],
    );
  const foreign = seen.filter((owner) => owner !== tenant && owner !== 'system');
  assert.deepEqual(foreign, [], `${tenant} sees rows of others in ${table}`);
}

const OK_PER_WORKER = 5;

/** I9: every worker that lives completes work. Answers how long it took until the last of them had done its share. */
export async function checkLiveness({ places, callers, world }: Installation): Promise<number> {
  const [caller] = callers;
  const pids = places.map(({ worker }) => worker?.pid);
  const startedAt = performance.now();
  let number = 0;
  await eventually(
    async () => {
      const round = Array.from({ length: 15 }, (_, index) => {
        const key = `after-${number}-${index}`;
        return caller?.carryOut(key, {
          graph: 'mixed',
          label: `${caller.tenant}.${key}`,
          options: { priority: 'normal' },
        });
      });
      number += 1;
      await Promise.all(round);
      await world.allEnded(20_000);
      const done = await world.query<{ pid: number; count: number }>(`
        select (output ->> 'pid')::int as pid, count(*)::int as count from muster.tasks
        where idempotency_key like 'after-%' and status = 'completed' group by 1`);
      const idle = pids.filter((pid) => (done.find((row) => row.pid === pid)?.count ?? 0) < OK_PER_WORKER);
      if (idle.length > 0) throw new Error(`workers ${idle.join()} have not done ${OK_PER_WORKER} each`);
    },
    { withinMs: 60_000, everyMs: 50, what: 'work done by every worker' },
  );
  return performance.now() - startedAt;
}
