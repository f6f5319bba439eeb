import { setTimeout as pause } from 'node:timers/promises';
import type { Installation } from './installation.ts';
import { NARROW } from './limits.ts';

const EVERY_MS = 500;

interface Sample {
  readonly tasks: number;
  readonly audited: number;
  readonly ended: number;
  readonly ends_audited: number;
  readonly unknown_to_database: number;
  /** Concurrency keys with more open tasks than their limit. */
  readonly crowded: readonly string[] | null;
  /** The most open tasks of one narrow key. */
  readonly narrow: number;
}

/**
 * What has to hold at every instant, each time in one statement and so in one snapshot: no acknowledged task is missing;
 * every task that was submitted is done, failed, cancelled or live; every submit and every end has its audit row; no concurrency
 * key has more open tasks than its limit.
 */
const SAMPLE = `
  with counted as (
    select key, count(*) as open from muster.tasks t, unnest(t.concurrency_keys) as key
    where t.status in ('in_progress', 'waiting_input', 'waiting_approval', 'paused') group by key
  )
  select (select count(*)::int from muster.tasks) as tasks,
    (select count(*)::int from muster.audit_log where action = 'task.submitted') as audited,
    (select count(*)::int from muster.tasks where status in ('completed', 'failed', 'cancelled')
      and completed_at is not null) as ended,
    (select count(*)::int from muster.audit_log
      where action in ('task.completed', 'task.failed', 'task.cancelled')) as ends_audited,
    (select count(*)::int from unnest($1::uuid[]) as known (id)
      where not exists (select from muster.tasks t where t.id = known.id)) as unknown_to_database,
    (select array_agg(key || ' ' || open) from counted where open > case when key like 'user:%' then 1
      when key like 'key:%' then ${NARROW.limit} end) as crowded,
    (select coalesce(max(open), 0)::int from counted where key like 'key:%') as narrow`;

export interface Sampler {
  /** Samples that were taken; while PostgreSQL is unavailable none can be. */
  readonly taken: number;
  /** The most open tasks of a narrow key that any sample saw. */
  readonly narrowest: number;
  stop(): Promise<void>;
}

/** Looks again and again while faults are on, and notes whatever does not add up. */
export function startSampler({ world, callers, log }: Installation): Sampler {
  let taken = 0;
  let narrowest = 0;
  let stopped = false;
  const look = async (): Promise<void> => {
    const known = callers.flatMap(({ history }) => [...history.acknowledged().values()]);
    const [sample] = await world.query<Sample>(SAMPLE, [known]).catch(() => []);
    if (sample === undefined) return;
    taken += 1;
    narrowest = Math.max(narrowest, sample.narrow);
    for (const fault of faultsOf(sample)) log.violation(`${fault}: ${JSON.stringify(sample)}`);
  };
  const running = (async () => {
    while (!stopped) {
      await look();
      await pause(EVERY_MS);
    }
    await look();
  })();
  return {
    get taken() {
      return taken;
    },
    get narrowest() {
      return narrowest;
    },
    stop: () => {
      stopped = true;
      return running;
    },
  };
}

function faultsOf(sample: Sample): string[] {
  return [
    ...(sample.tasks === sample.audited ? [] : ['I4: tasks are not the submits that were audited']),
    ...(sample.ended === sample.ends_audited ? [] : ['I4: ended tasks are not the ends that were audited']),
    ...(sample.unknown_to_database === 0 ? [] : ['I4: acknowledged tasks are not there']),
    ...(sample.crowded === null ? [] : ['I6: more tasks are open at once than a limit allows']),
  ];
}
