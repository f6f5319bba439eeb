import pg from 'pg';
import type { MusterUnderTest } from '../test/support/muster.ts';

/** Tasks in one transaction. */
const BATCH = 100_000;
/** How many ids are returned, spread over all tasks. */
const KNOWN = 1_000;

/**
 * Fills the database with tasks of a one-node graph that ended in the past, one every three seconds. Each leaves what
 * such a task leaves: trace, run, events, audit and outbox rows. Triggers do not run. Needs the superuser.
 * @returns ids of some of the tasks
 */
export async function fillWithEnded(muster: MusterUnderTest, graph: string, rows: number): Promise<string[]> {
  // Without a deadline: ten million rows take minutes to vacuum.
  const client = new pg.Client({ connectionString: superuserUrl(muster) });
  await client.connect();
  try {
    await client.query('set session_replication_role = replica; set synchronous_commit = off');
    await client.query('create temporary table made (n int, at timestamptz, id uuid, trace uuid)');
    for (let first = 0; first < rows; first += BATCH) {
      await client.query(
        batch({ graph, taskQueue: muster.taskQueue, first, rows: Math.min(BATCH, rows - first), all: rows }),
      );
    }
    await client.query('vacuum (analyze)');
    const { rows: known } = await client.query<{ id: string }>(
      `select id from muster.tasks tablesample bernoulli (${Math.min(100, (200 * KNOWN) / rows)}) limit ${KNOWN}`,
    );
    return known.map(({ id }) => id);
  } finally {
    await client.end();
  }
}

function superuserUrl({ databaseUrl, stack }: MusterUnderTest): string {
  const url = new URL(stack.superuserUrl);
  url.pathname = new URL(databaseUrl).pathname;
  return url.toString();
}

interface Batch {
  readonly graph: string;
  readonly taskQueue: string;
  readonly first: number;
  readonly rows: number;
  readonly all: number;
}

/** Ids that grow with time, as those of the program do. */
const ID = `(lpad(to_hex((extract(epoch from at) * 1000)::bigint), 12, '0')
  || substr(replace(gen_random_uuid()::text, '-', ''), 13))::uuid`;

function batch({ graph, taskQueue, first, rows, all }: Batch): string {
  return `begin; truncate made;
    insert into made select n, at, ${ID}, ${ID} from (
      select n, now() - (${all} - n) * interval '3 seconds' as at from generate_series(${first}, ${first + rows - 1}) n) t;
    insert into muster.tasks (id, tenant_id, graph_id, graph_name, task_queue, title, request_hash, input, output, status,
        fence, trace_count, concurrency_keys, created_at, claimed_at, checked_at, started_at, completed_at, updated_at)
      select m.id, 'default', g.id, g.name, '${taskQueue}', g.name, repeat('0', 64), '{"label":"old"}', '{}', 'completed',
        1, 1, array['tenant:default', 'graph:' || g.name], at, at, at, at, at, at
      from made m cross join muster.agent_graphs g where g.name = '${graph}' order by n;
    insert into muster.agent_traces (id, tenant_id, task_id, number, graph_id, workflow_id, status, next_seq, created_at,
        finished_at)
      select m.trace, 'default', m.id, 1, g.id, 'task/' || m.id || '/1', 'completed', 5, at, at
      from made m cross join muster.agent_graphs g where g.name = '${graph}' order by n;
    insert into muster.agent_runs (id, tenant_id, trace_id, node_id, agent, kind, status, attempts, started_at,
        finished_at, latency_ms, output, created_at)
      select gen_random_uuid(), 'default', trace, 'only', 'one-quick-node-step', 'agent', 'ok', 1, at, at, 1, '{}', at
      from made order by n;
    insert into muster.trace_events (trace_id, seq, tenant_id, type, node_id, data, at)
      select trace, e.seq, 'default', e.type, e.node, e.data::jsonb, at
      from made cross join (values (1, 'trace.started', null, null), (2, 'run.started', 'only', '{"attempt":1}'),
        (3, 'run.completed', 'only', '{"attempt":1}'), (4, 'trace.completed', null, null)) as e(seq, type, node, data)
      order by n, seq;
    insert into muster.audit_log (id, tenant_id, actor, action, subject_type, subject_id, details, created_at)
      select gen_random_uuid(), 'default', 'worker', a, 'task', id, jsonb_build_object('trace', trace), at
      from made cross join unnest(array['task.submitted', 'task.completed']) as a order by n;
    insert into muster.outbox (tenant_id, topic, task_id, attempts, created_at, sent_at)
      select 'default', 'task.finished', id, 1, at, at from made order by n;
    commit`;
}
