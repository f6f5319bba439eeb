import { kindOfKey } from '../../domain/queues/concurrency-keys.ts';
import {
  type LimitSpan,
  limitOfKey,
  type QueueSettings,
  spanOfKey,
  weightOf,
} from '../../domain/queues/queue-settings.ts';
import { PRIORITY_BANDS, type PriorityBand } from '../../domain/tasks/priority.ts';
import { isOpenTaskStatus, type TaskStatus } from '../../domain/tasks/task-status.ts';
import type { TaskCount, TenantCount } from '../../entities/tasks/queue-count-repository.ts';

/** One band of the queue. */
export interface BandView {
  readonly band: PriorityBand;
  readonly waiting: number;
  /** How long its oldest task has waited, in milliseconds; null when none waits. */
  readonly oldestWaitMs: number | null;
  /**
   * Tasks of all tenants that started within the last minute; null if only Redis would know and it is not asked or
   * unavailable.
   */
  readonly startsPerMinute: number | null;
  readonly paused: boolean;
}

/** One tenant that has tasks which have not ended, started within the last minute, or are dead. */
export interface TenantView {
  readonly tenant: string;
  readonly waiting: number;
  readonly running: number;
  /** Its share of the starts within a band, against the others'. */
  readonly weight: number;
  readonly startsPerMinute: number;
  readonly dead: number;
  readonly paused: boolean;
}

/** One limit on how many tasks are open at once. */
export interface ConcurrencyLimitView {
  /** A concurrency key, or `<kind>:*` for every key of a kind that has no limit of its own. */
  readonly key: string;
  /** Null for a key whose limit was lifted while tasks held its slots. */
  readonly limit: number | null;
  /** When tasks hold its slots: from start to end, or only while they occupy a place. */
  readonly while: LimitSpan;
  /** Slots that open tasks hold; for `<kind>:*` those of all its keys. */
  readonly held: number;
  /** Waiting tasks that it holds up, as Redis says; null while Redis is unavailable. */
  readonly parked: number | null;
}

/**
 * The index of waiting tasks in Redis. `rebuilding`: it is being built from PostgreSQL now, and work continues meanwhile.
 * `unserved`: tasks wait for a task queue whose index nobody builds, because no worker serves it. `unavailable`: Redis does not
 * answer.
 */
export type IndexState = 'whole' | 'rebuilding' | 'unserved' | 'unavailable';

/** What Redis says of the queue. */
export interface IndexView {
  readonly state: IndexState;
  readonly unserved: readonly string[];
  /** Null while it is unavailable. */
  readonly startsPerMinute: Readonly<Record<PriorityBand, number>> | null;
  /** Waiting tasks that each full key holds up; null while it is unavailable. */
  readonly parked: ReadonlyMap<string, number> | null;
}

/** What PostgreSQL says of it. */
export interface QueueCounts {
  readonly tasks: readonly TaskCount[];
  readonly tenants: readonly TenantCount[];
  readonly slots: readonly { readonly key: string; readonly held: number }[];
  readonly unhosted: UnhostedTasks;
  readonly settings: QueueSettings;
}

/** Waiting tasks whose graph needs agents that no process hosts. */
export interface UnhostedTasks {
  readonly tasks: number;
  /** The names of these agents. */
  readonly agents: readonly string[];
}

/** What waits, what runs and what holds it up. The counts are PostgreSQL's, so they are right without Redis too. */
export interface QueueView {
  /** Tasks that could start as soon as there is room, by band. */
  readonly waiting: Readonly<Record<PriorityBand, number>>;
  /** Tasks that have started and not ended. */
  readonly running: number;
  /** Held back until their time, or until they are resumed. */
  readonly deferred: number;
  /** Waiting for other tasks. */
  readonly blocked: number;
  /** Past their due time, whether they have started or not. */
  readonly overdue: number;
  /** Failed and not redriven: `muster.dead` lists them. */
  readonly dead: number;
  /** Started within the last minute. */
  readonly startsPerMinute: number;
  readonly bands: readonly BandView[];
  readonly tenants: readonly TenantView[];
  /** Limits that are set, and limited keys of which slots are held: the fullest first, at most 100. */
  readonly limits: readonly ConcurrencyLimitView[];
  /** What starts nothing until it is resumed. */
  readonly paused: readonly string[];
  /** How long a task waits behind higher bands before it also competes by its age, in seconds. */
  readonly ageingSeconds: number;
  /** Tasks among the waiting that no worker can carry out. An agent whose process was killed counts as hosted for 15 s. */
  readonly unhosted: UnhostedTasks;
  readonly index: IndexState;
  /** Temporal task queues for which tasks wait and that no worker serves. */
  readonly unserved: readonly string[];
}

/** Keys in one view. */
export const MAX_KEYS = 100;

/** Puts together what the stores say. */
export function queueView(
  { tasks, tenants, slots, unhosted, settings }: QueueCounts,
  index: IndexView,
  now: Date,
): QueueView {
  const of = (status: TaskStatus) => sum(tasks.filter((task) => task.status === status));
  const bands = PRIORITY_BANDS.map((band) => bandView(band, tasks, { settings, index, now }));
  return {
    waiting: { high: bands[0]?.waiting ?? 0, normal: bands[1]?.waiting ?? 0, low: bands[2]?.waiting ?? 0 },
    running: sum(tasks.filter((task) => isOpenTaskStatus(task.status))),
    deferred: of('deferred'),
    blocked: of('blocked'),
    overdue: tenants.reduce((total, tenant) => total + tenant.overdue, 0),
    dead: tenants.reduce((total, tenant) => total + tenant.dead, 0),
    startsPerMinute: tenants.reduce((total, tenant) => total + tenant.startsLastMinute, 0),
    bands,
    tenants: tenants.flatMap((tenant) => tenantView(tenant, tasks, settings)),
    limits: limitViews(slots, { settings, index }),
    paused: settings.paused,
    ageingSeconds: settings.ageingSeconds,
    unhosted,
    index: index.state,
    unserved: index.unserved,
  };
}

function bandView(
  band: PriorityBand,
  tasks: readonly TaskCount[],
  { settings, index, now }: { settings: QueueSettings; index: IndexView; now: Date },
): BandView {
  const waiting = tasks.filter((task) => task.status === 'pending' && task.band === band);
  const oldest = Math.min(...waiting.map((task) => task.oldestAt.getTime()));
  return {
    band,
    waiting: sum(waiting),
    oldestWaitMs: waiting.length === 0 ? null : Math.max(0, now.getTime() - oldest),
    startsPerMinute: index.startsPerMinute?.[band] ?? null,
    paused: settings.paused.includes(`band:${band}`),
  };
}

function tenantView(counted: TenantCount, tasks: readonly TaskCount[], settings: QueueSettings): TenantView[] {
  const { tenant, dead, startsLastMinute } = counted;
  const own = tasks.filter((task) => task.tenant === tenant);
  if (own.length === 0 && dead === 0 && startsLastMinute === 0) return [];
  return [
    {
      tenant,
      waiting: sum(own.filter((task) => task.status === 'pending')),
      running: sum(own.filter((task) => isOpenTaskStatus(task.status))),
      weight: weightOf(settings, tenant),
      startsPerMinute: startsLastMinute,
      dead,
      paused: settings.paused.includes(`tenant:${tenant}`),
    },
  ];
}

/** A key without a limit of its own is counted under its kind's. */
function limitViews(
  slots: QueueCounts['slots'],
  { settings, index }: { settings: QueueSettings; index: IndexView },
): ConcurrencyLimitView[] {
  const parked = [...(index.parked ?? [])].map(([key, count]) => ({ key, count }));
  const named = Object.entries(settings.limits).map(([key, limit]) => {
    const isCovered = (one: { key: string }) => one.key === key || covers(key, one.key, settings);
    const held = slots.filter(isCovered).reduce((total, slot) => total + slot.held, 0);
    const waiting = parked.filter(isCovered).reduce((total, one) => total + one.count, 0);
    return { key, limit, while: spanOfKey(settings, key), held, parked: index.parked === null ? null : waiting };
  });
  const others = slots
    .filter((slot) => settings.limits[slot.key] === undefined)
    .map(({ key, held }) => {
      const waiting = index.parked === null ? null : (index.parked.get(key) ?? 0);
      return { key, limit: limitOfKey(settings, key), while: spanOfKey(settings, key), held, parked: waiting };
    });
  return [...named, ...others].sort((a, b) => b.held - a.held || (a.key < b.key ? -1 : 1)).slice(0, MAX_KEYS);
}

function covers(pattern: string, key: string, { limits }: QueueSettings): boolean {
  return limits[key] === undefined && pattern === `${kindOfKey(key) ?? ''}:*`;
}

function sum(tasks: readonly TaskCount[]): number {
  return tasks.reduce((total, task) => total + task.count, 0);
}
