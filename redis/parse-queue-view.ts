import type { TenantId } from '../domain/ids.ts';
import { DEFAULT_QUEUE_SETTINGS, limitOfKey, parseQueueSettings } from '../domain/queues/queue-settings.ts';
import { PRIORITY_BANDS, type PriorityBand } from '../domain/tasks/priority.ts';
import { unpackKey } from './queue-job.ts';

/** One band as operators see it. */
export interface BandView {
  /** Waiting jobs, parked ones included. */
  waiting: number;
  parked: number;
  /** The longest wait of a job that is not parked, in milliseconds; null when there is none. */
  oldestWaitMs: number | null;
  /** Tasks that started within the last full minute, to ten seconds. */
  startsPerMinute: number;
}

/** The queue as operators see it. */
export interface QueueView {
  bands: Record<PriorityBand, BandView>;
  /** The 50 tenants with the most jobs that wait and are not parked, most first. */
  tenants: { tenant: TenantId; waiting: number }[];
  /**
   * The 50 concurrency keys that hold up the most jobs, most first, then those with the most slots taken. `held` counts
   * the tasks of this task queue, `elsewhere` those of others; `limit` is 0 while the key is paused, null without a
   * limit.
   */
  limits: { key: string; held: number; elsewhere: number; limit: number | null; parked: number }[];
  leased: number;
  intact: boolean;
  /** Whether a rebuild is running. If not, no worker maintains an index that is not intact. */
  rebuilding: boolean;
}

type Flat = readonly (string | number)[];

const SHOWN = 50;

/** Reads what the script `view-queue` answers. */
export function parseQueueView(answer: readonly Flat[]): QueueView {
  const [counts = [], tenants = [], parked = [], held = [], elsewhere = [], starts = [], settings = []] = answer;
  const [leased = 0, whole = 0, rebuild = 0, nowMs = 0, ...bandCounts] = counts.map(Number);
  const oldest = oldestByBand(tenants);
  const bands = PRIORITY_BANDS.map((band, index): [PriorityBand, BandView] => {
    const [free = 0, waitingForRoom = 0] = bandCounts.slice(2 * index);
    const created = oldest.get(index + 1);
    const view = {
      waiting: free + waitingForRoom,
      parked: waitingForRoom,
      oldestWaitMs: created === undefined ? null : Math.max(0, nowMs - created),
      startsPerMinute: startsOf(index + 1, starts, nowMs),
    };
    return [band, view];
  });
  return {
    bands: Object.fromEntries(bands) as QueueView['bands'],
    tenants: busiestTenants(tenants),
    limits: busiestKeys({ parked, held, elsewhere, settings: String(settings[0] ?? '') }),
    leased,
    intact: whole === 1,
    rebuilding: rebuild === 1,
  };
}

/** Band, tenant, jobs and creation time of the oldest follow each other. */
function oldestByBand(tenants: Flat): Map<number, number> {
  const oldest = new Map<number, number>();
  for (const [band, , , created] of groups(tenants, 4)) {
    oldest.set(Number(band), Math.min(oldest.get(Number(band)) ?? Number.POSITIVE_INFINITY, Number(created)));
  }
  return oldest;
}

function busiestTenants(tenants: Flat): QueueView['tenants'] {
  const waiting = new Map<string, number>();
  for (const [, tenant, count] of groups(tenants, 4)) {
    waiting.set(String(tenant), (waiting.get(String(tenant)) ?? 0) + Number(count));
  }
  const sorted = [...waiting].sort(([, one], [, other]) => other - one).slice(0, SHOWN);
  return sorted.map(([tenant, count]) => ({ tenant: decodeURIComponent(tenant) as TenantId, waiting: count }));
}

function busiestKeys(facts: { parked: Flat; held: Flat; elsewhere: Flat; settings: string }): QueueView['limits'] {
  const settings = facts.settings === '' ? DEFAULT_QUEUE_SETTINGS : parseQueueSettings(JSON.parse(facts.settings));
  const parked = sums(facts.parked);
  const held = sums(facts.held);
  const elsewhere = sums(facts.elsewhere);
  const keys = new Set([...parked.keys(), ...held.keys(), ...elsewhere.keys()]);
  const views = [...keys].map((packed) => ({
    key: unpackKey(packed),
    held: held.get(packed) ?? 0,
    elsewhere: elsewhere.get(packed) ?? 0,
    limit: limitOfKey(settings, unpackKey(packed)),
    parked: parked.get(packed) ?? 0,
  }));
  const sorted = views.sort((one, other) => other.parked - one.parked || other.held - one.held);
  return sorted.slice(0, SHOWN);
}

/** Fields `band:bucket`, with buckets of ten seconds; the newest one also counts for the one that it replaces. */
function startsOf(band: number, starts: Flat, nowMs: number): number {
  const current = Math.floor(nowMs / 10_000);
  const counts = groups(starts, 2).map(([field, count]) => {
    const [ofBand, bucket] = String(field).split(':').map(Number);
    return ofBand === band && bucket !== undefined && current - bucket <= 6 ? Number(count) : 0;
  });
  return counts.reduce((sum, count) => sum + count, 0);
}

/** Alternating names and numbers; a name may occur several times. */
function sums(flat: Flat): Map<string, number> {
  const found = new Map<string, number>();
  for (const [name, count] of groups(flat, 2)) found.set(String(name), (found.get(String(name)) ?? 0) + Number(count));
  return found;
}

function groups(flat: Flat, size: number): Flat[] {
  return Array.from({ length: Math.floor(flat.length / size) }, (_, index) =>
    flat.slice(size * index, size * (index + 1)),
  );
}
