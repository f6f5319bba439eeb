import { readFileSync } from 'node:fs';
import type { RedisCommander } from 'ioredis';
import { QUEUE_KEY_NAMES, type QueueKeys } from './keys.ts';

export interface ScriptParts {
  /** Files of scripts/ without their ending, in order: code that several scripts share has its own file. */
  readonly files: readonly string[];
  /** How many KEYS it takes; null when the first argument of each call gives the number. */
  readonly keys: number | null;
}

type Argument = string | number;

/** The scripts of limits, cooldowns and slots as ioredis offers them. Each file's header states what its arguments mean. */
export interface LimitScripts {
  takeLimits(keyCount: number, ...input: Argument[]): Promise<Argument[]>;
  adjustLimits(keyCount: number, ...input: Argument[]): Promise<'refunded' | 'settled' | 'repeated' | 'unknown'>;
  startOnce(key: string, lifetimeMs: number): Promise<[outcome: 'first' | 'repeated', leftMs: number]>;
  acquireSlot(
    ...input: [slots: string, fence: string, holder: string, limit: number, leaseMs: number, lifetimeMs: number]
  ): Promise<[outcome: 'taken' | 'full', fence: number, waitMs: number]>;
  acquirePlace(
    ...input: [
      ...keys: [slots: string, fence: string, line: string, until: string],
      ...slot: [holder: string, limit: number, leaseMs: number, lifetimeMs: number],
      ...turn: [waiter: string, laterMs: number, standsMs: number],
    ]
  ): Promise<[outcome: 'taken' | 'full', fence: number, before: number]>;
  renewSlot(
    ...input: [slots: string, holder: string, leaseMs: number, lifetimeMs: number]
  ): Promise<'renewed' | 'lost'>;
}

/** The script of live texts. */
export interface TextScripts {
  appendText(
    ...input: [stream: string, hints: string, lifetimeMs: number, from: string, ...pieces: string[]]
  ): Promise<'added' | 'superseded'>;
}

const TEXT_SCRIPTS: Record<keyof TextScripts, ScriptParts> = { appendText: { files: ['append-text'], keys: 1 } };

const LIMIT_SCRIPTS: Record<keyof LimitScripts, ScriptParts> = {
  takeLimits: { files: ['limit-level', 'limit-log', 'limit-ask', 'limit-call', 'take-limits'], keys: null },
  adjustLimits: { files: ['limit-level', 'limit-log', 'adjust-limits'], keys: null },
  startOnce: { files: ['start-once'], keys: 1 },
  acquireSlot: { files: ['take-slot', 'acquire-slot'], keys: 2 },
  acquirePlace: { files: ['take-slot', 'acquire-place'], keys: 4 },
  renewSlot: { files: ['renew-slot'], keys: 1 },
};

type Keys = QueueKeys['all'];
/** Milliseconds as an argument of a script; counts and band numbers have the same form. */
type DepthAnswer = [
  ...waiting: [high: number, normal: number, low: number],
  parked: number,
  leased: number,
  whole: number,
  settingsVersion: string | null,
];

/** The scripts of the job queue as ioredis offers them. Each file's header states what its arguments mean. */
export interface QueueScripts {
  enqueueJobs(...input: [...Keys, wakeUps: string, ...jobs: string[]]): Promise<('queued' | 'duplicate')[]>;
  leaseJobs(
    ...input: [...Keys, wakeUps: string, max: number, leaseMs: number, most: number, which: 'all' | 'urgent']
  ): Promise<Argument[]>;
  startJobs(...input: [...Keys, holderMs: number, ...taskIds: string[]]): Promise<number>;
  acknowledgeJobs(...input: [...Keys, wakeUps: string, ...taskIds: string[]]): Promise<number>;
  giveBackJobs(...input: [...Keys, wakeUps: string, delayMs: number, ...taskIds: string[]]): Promise<number>;
  releaseJobs(...input: [...Keys, wakeUps: string, keepMs: number, ...taskIds: string[]]): Promise<number>;
  removeJobs(...input: [...Keys, wakeUps: string, ...taskIds: string[]]): Promise<number>;
  setSlots(
    ...input: [...Keys, wakeUps: string, holderMs: number, taskId: string, keys: string]
  ): Promise<'set' | 'unchanged'>;
  confirmSlots(...input: [...Keys, holderMs: number, ...slots: string[]]): Promise<number>;
  endUnconfirmed(...input: [...Keys, wakeUps: string, dueWithinMs: number, most: number]): Promise<number>;
  countElsewhere(...input: [...Keys, ...counts: Argument[]]): Promise<number>;
  inviteParked(...input: [...Keys, wakeUps: string, after: string, most: number]): Promise<string>;
  applySettings(...input: [...Keys, ...fields: string[]]): Promise<'applied' | 'unchanged'>;
  measureDepth(...input: Keys): Promise<DepthAnswer>;
  viewQueue(...input: [...Keys, most: number]): Promise<Argument[][]>;
  beginRebuild(...input: [...Keys, rebuild: string, silenceMs: number]): Promise<'begun' | 'busy'>;
  continueRebuild(...input: [...Keys, rebuild: string, silenceMs: number]): Promise<'continued' | 'superseded'>;
  finishRebuild(...input: [...Keys, rebuild: string]): Promise<'finished' | 'superseded'>;
}

/** Names of the keys; then what counts against limits; then places in bands, and under full keys; slots; leases. */
const PLACES = ['queue-keys', 'queue-limits', 'queue-places'] as const;
const SLOTS = [...PLACES, 'queue-parked', 'queue-let-in', 'queue-slots'] as const;
const LEASES = [...SLOTS, 'queue-leases'] as const;
/** The next job: in its band, or instead of one that would take a key's slot. */
const ORDER = ['queue-order', 'queue-next', 'queue-turns', 'queue-instead', 'queue-hand-out'] as const;

const queueScript = (...files: readonly string[]): ScriptParts => ({ files, keys: QUEUE_KEY_NAMES.length });

const QUEUE_SCRIPTS: Record<keyof QueueScripts, ScriptParts> = {
  enqueueJobs: queueScript(...PLACES, 'enqueue-jobs'),
  leaseJobs: queueScript(...LEASES, ...ORDER, 'lease-jobs'),
  startJobs: queueScript(...LEASES, 'start-jobs'),
  acknowledgeJobs: queueScript(...LEASES, 'acknowledge-jobs'),
  giveBackJobs: queueScript(...LEASES, 'give-back-jobs'),
  releaseJobs: queueScript(...LEASES, 'release-jobs'),
  removeJobs: queueScript(...LEASES, 'remove-jobs'),
  setSlots: queueScript(...SLOTS, 'set-slots'),
  confirmSlots: queueScript(...SLOTS, 'confirm-slots'),
  endUnconfirmed: queueScript(...SLOTS, 'end-unconfirmed'),
  countElsewhere: queueScript('queue-keys', 'count-elsewhere'),
  inviteParked: queueScript(...SLOTS, 'invite-parked'),
  applySettings: queueScript('queue-keys', 'apply-settings'),
  measureDepth: queueScript('queue-keys', 'queue-parts', 'measure-depth'),
  viewQueue: queueScript('queue-keys', 'view-queue'),
  beginRebuild: queueScript('queue-keys', 'queue-parts', 'begin-rebuild'),
  continueRebuild: queueScript('queue-keys', 'continue-rebuild'),
  finishRebuild: queueScript('queue-keys', 'finish-rebuild'),
};

/** The commands of one server or a cluster: those of Redis and Muster's scripts. */
export type ScriptedRedis = RedisCommander & QueueScripts & LimitScripts & TextScripts;

const SCRIPTS: Record<string, ScriptParts> = { ...QUEUE_SCRIPTS, ...LIMIT_SCRIPTS, ...TEXT_SCRIPTS };

/** Reads every script, in the shape of ioredis' option `scripts`. */
export function readScripts(): Record<string, { lua: string; numberOfKeys?: number }> {
  const entries = Object.entries(SCRIPTS).map(([name, { files, keys }]) => {
    const lua = files.map((file) => readFileSync(new URL(`./scripts/${file}.lua`, import.meta.url), 'utf8')).join('\n');
    return [name, keys === null ? { lua } : { lua, numberOfKeys: keys }] as const;
  });
  return Object.fromEntries(entries);
}
