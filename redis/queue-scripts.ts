import { QUEUE_KEY_NAMES, type QueueKeys } from './keys.ts';
import type { ScriptParts } from './script-parts.ts';

type Keys = QueueKeys['all'];
/** Milliseconds in a script's arguments; counts and band numbers travel likewise. */
type Argument = string | number;

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
  leaseJobs(...input: [...Keys, wakeUps: string, max: number, leaseMs: number, most: number]): Promise<Argument[]>;
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
/** Which job goes next: in its band, and instead of one that came for a key. */
const ORDER = ['queue-order', 'queue-next', 'queue-turns', 'queue-instead', 'queue-hand-out'] as const;

const queueScript = (...files: readonly string[]): ScriptParts => ({ files, keys: QUEUE_KEY_NAMES.length });

export const QUEUE_SCRIPTS: Record<keyof QueueScripts, ScriptParts> = {
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
