import type { JsonObject } from '../../../domain/json.ts';
import { gcra } from '../../../domain/limits/rate-limit.ts';
import { SettingsRepository } from '../../../entities/system/settings-repository.ts';
import type { World } from '../faults/world.ts';
import { ADMITTED, PROVIDER } from './graphs.ts';

/** How many tasks with the callers' own key may be open at once. */
export const NARROW = { key: 'narrow', limit: 2 } as const;
/** What the provider allows: calls a second, and at once after a rest. Far less than the load asks for. */
export const RATE = { perSecond: 0.25, burst: 2 } as const;

/** Sets the limits that a run goes by. They count from the first task on. */
export async function setLimits({ muster, stores }: World, tenants: readonly string[]): Promise<void> {
  for (const tenant of tenants) await muster.client.setLimit(`key:${tenant}/${NARROW.key}`, NARROW.limit);
  const limit = gcra({ limit: RATE.perSecond, perSeconds: 1, burst: RATE.burst });
  await storeLimits(stores, { [`provider:${PROVIDER}`]: { ...limit } });
}

/** Takes the provider's limit away, so that what waits for it comes to its end soon. */
export async function liftRateLimit({ stores }: World): Promise<void> {
  await storeLimits(stores, {});
}

async function storeLimits({ database }: World['stores'], limits: JsonObject): Promise<void> {
  await database.inSystem('configure', ({ em }) => new SettingsRepository(em).change('limits', () => ({ limits })));
}

/**
 * One call of the provider: when, in milliseconds since 1970, and what let it in: `redis`, the process's own share
 * (`local`), or `no limit`, which none must be while the limit is set.
 */
export interface Admission {
  readonly atMs: number;
  readonly source: string;
}

/** When the provider was really called, as the sink was told; up to a moment, oldest first. */
export async function admissions({ sink }: World, untilMs: number): Promise<Admission[]> {
  const { subjects } = await sink.record();
  return [...subjects.keys()]
    .filter((subject) => subject.startsWith(ADMITTED))
    .map((subject) => subject.slice(ADMITTED.length).split('.'))
    .map(([at, source = '']) => ({ atMs: Number(at), source }))
    .filter(({ atMs }) => atMs <= untilMs)
    .sort((one, other) => one.atMs - other.atMs);
}

/**
 * The times in which processes went by their own shares, as their admissions tell: on a busy machine Redis answers too late
 * for some of them although nobody disturbs it.
 */
export function localTimes(found: readonly Admission[]): Disturbance[] {
  const times: { fromMs: number; untilMs: number }[] = [];
  for (const { atMs } of found.filter(({ source }) => source === 'local')) {
    const open = times.at(-1);
    if (open !== undefined && atMs - open.untilMs <= SETTLED_MS) open.untilMs = atMs;
    else times.push({ fromMs: atMs, untilMs: atMs });
  }
  return times;
}

/** A time in which the limiter's memory was lost or out of reach, or in which those who were let in were held up. */
export interface Disturbance {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** From an admission to the moment that its process notes, on a busy machine. */
const LATE_MS = 5_000;
/** Until everybody goes by Redis again, or has noticed that it is unavailable. */
const SETTLED_MS = 3_000;
/** The limit starts full when Redis was emptied, and a process that Redis leaves alone begins with its own share. */
const BURSTS_EACH = 2;

/**
 * Every window, from each admission to each later one, in which more were let in than burst and rate allow; with the
 * bursts added that disturbances within it may have brought.
 */
export function crowdedWindows(times: readonly number[], disturbances: readonly Disturbance[]): string[] {
  const crowded: string[] = [];
  times.forEach((first, start) => {
    times.slice(start).forEach((last, offset) => {
      const met = disturbances.filter(
        ({ fromMs, untilMs }) => fromMs <= last && untilMs + SETTLED_MS >= first - LATE_MS,
      );
      const bursts = RATE.burst * (1 + BURSTS_EACH * met.length);
      const allowed = bursts + (RATE.perSecond * (last - first + LATE_MS)) / 1_000;
      if (offset + 1 > allowed)
        crowded.push(`${offset + 1} of ${allowed.toFixed(1)} in ${last - first} ms from ${first}`);
    });
  });
  return crowded;
}
