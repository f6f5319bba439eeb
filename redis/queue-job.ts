import { createHash } from 'node:crypto';
import type { TaskId, TenantId } from '../domain/ids.ts';
import { type QueueSettings, settingsText } from '../domain/queues/queue-settings.ts';
import { PRIORITY_BANDS, type PriorityBand } from '../domain/tasks/priority.ts';

/** A task's entry in the queue while it waits. All of it comes from the task's row. */
export interface Job {
  taskId: TaskId;
  tenant: TenantId;
  band: PriorityBand;
  /** When the task was created, in milliseconds since 1970: its place among its tenant's jobs, after every rebuild too. */
  createdAtMs: number;
  /** The task's concurrency keys; each that has a limit costs a slot. */
  keys: readonly string[];
}

/** A leased job, which its dispatcher may claim in PostgreSQL. */
export interface LeasedJob {
  taskId: TaskId;
  band: PriorityBand;
}

/** A slot of a limited key that an open task holds, as PostgreSQL says. */
export interface HeldSlot {
  key: string;
  taskId: TaskId;
}

/** The index at one instant. */
export interface QueueDepth {
  /** Waiting jobs in each band, parked ones included. */
  waiting: Record<PriorityBand, number>;
  /** Those of them that cannot start because a concurrency key of theirs is full. */
  parked: number;
  /** Jobs that are leased, were given back with a delay, or whose lease has expired and was not taken back yet. */
  leased: number;
  /** False when the index is lost: Redis was emptied or a rebuild did not finish. Then the counts mean nothing. */
  intact: boolean;
  /** The version of the applied settings, see {@link queueSettingsVersion}; null before any were applied. */
  settingsVersion: string | null;
}

const CREATED_DIGITS = 15;

/**
 * Jobs as the scripts take them: each an id, and its place of number of the band, tenant, creation time and keys. Those that
 * follow each other with one list of keys have it packed once.
 */
export function packJobs(jobs: readonly Job[]): string[] {
  let keys: readonly string[] = [];
  let packed = '';
  return jobs.flatMap((job) => {
    if (job.keys !== keys) {
      keys = job.keys;
      packed = packKeys(keys);
    }
    return [job.taskId, packPlace(job, packed)];
  });
}

function packPlace({ band, tenant, createdAtMs }: Job, keys: string): string {
  const created = String(Math.max(0, Math.trunc(createdAtMs))).padStart(CREATED_DIGITS, '0');
  return [PRIORITY_BANDS.indexOf(band) + 1, encodeURIComponent(tenant), created, keys].join('|');
}

/** Keys in one text, separated by spaces. */
export function packKeys(keys: readonly string[]): string {
  return [...new Set(keys)].map(packKey).join(' ');
}

/**
 * A concurrency key as the scripts store it. Callers choose its name freely, and the scripts separate their texts with
 * bars and spaces, so the name is percent-encoded.
 */
export function packKey(key: string): string {
  const colon = key.indexOf(':');
  return key.slice(0, colon + 1) + encodeURIComponent(key.slice(colon + 1).toWellFormed());
}

/** Slots in the scripts' form: each task with its keys. */
export function packSlots(slots: readonly HeldSlot[]): [TaskId, string][] {
  const keys = new Map<TaskId, string[]>();
  for (const { taskId, key } of slots) keys.set(taskId, [...(keys.get(taskId) ?? []), key]);
  return [...keys].map(([taskId, held]) => [taskId, packKeys(held)]);
}

/** The opposite of {@link packKey}. */
export function unpackKey(packed: string): string {
  return decodeURIComponent(packed);
}

/** Alternating task ids and band numbers. A band number is a position in {@link PRIORITY_BANDS}, counted from one. */
export function parseLeasedJobs(answer: readonly (string | number)[]): LeasedJob[] {
  const jobs: LeasedJob[] = [];
  for (let index = 0; index + 1 < answer.length; index += 2) {
    const band = PRIORITY_BANDS[Number(answer[index + 1]) - 1];
    if (band) jobs.push({ taskId: String(answer[index]) as TaskId, band });
  }
  return jobs;
}

/** The version of settings: equal for equal settings, and practically never equal for others. */
export function queueSettingsVersion(settings: QueueSettings): string {
  return createHash('sha256').update(settingsText(settings)).digest('hex').slice(0, 32);
}

/** Settings as fields and values for the hash that the scripts read. */
export function packSettings(settings: QueueSettings): string[] {
  const { limits, weights, paused, ageingSeconds } = settings;
  const bands = PRIORITY_BANDS.map((band, index) => [`paused:${index + 1}`, paused.includes(`band:${band}`) ? 1 : 0]);
  const pausedKeys = paused.filter((target) => !target.startsWith('band:')).map((key) => [key, 0] as const);
  const fields = [
    ['version', queueSettingsVersion(settings)],
    ['text', settingsText(settings)],
    ['ageing_ms', ageingSeconds * 1_000],
    ...bands,
    ...Object.entries(weights).map(([tenant, weight]) => [`weight:${encodeURIComponent(tenant)}`, weight]),
    ...[...Object.entries(limits), ...pausedKeys].map(([key, limit]) => [`limit:${packKey(key)}`, limit]),
  ];
  return fields.flat().map(String);
}
