import type { QueueKeys } from './keys.ts';
import type { ScriptParts } from './scripts.ts';

type Keys = QueueKeys['all'];
/** Milliseconds in a script's arguments; counts and band numbers travel likewise. */
type Argument = string | number;

/** The scripts of the job queue as ioredis offers them. Each file's header states what its arguments mean. */
export interface QueueScripts {
  enqueueJobs(...input: [...Keys, wakeUps: string, ...jobs: Argument[]]): Promise<('queued' | 'duplicate')[]>;
  leaseJobs(...input: [...Keys, max: number, leaseMs: number, reclaimMax: number]): Promise<Argument[]>;
  acknowledgeJobs(...input: [...Keys, ...taskIds: string[]]): Promise<number>;
  giveBackJobs(...input: [...Keys, wakeUps: string, delayMs: number, ...taskIds: string[]]): Promise<number>;
  removeJobs(...input: [...Keys, ...taskIds: string[]]): Promise<number>;
  measureDepth(...input: Keys): Promise<[high: number, normal: number, low: number, leased: number, whole: number]>;
  beginRebuild(...input: [...Keys, rebuild: string, silenceMs: number]): Promise<'begun' | 'busy'>;
  continueRebuild(...input: [...Keys, rebuild: string, silenceMs: number]): Promise<'continued' | 'superseded'>;
  finishRebuild(...input: [...Keys, rebuild: string]): Promise<'finished' | 'superseded'>;
}

const KEY_COUNT = 7;

export const QUEUE_SCRIPTS: Record<keyof QueueScripts, ScriptParts> = {
  enqueueJobs: { files: ['enqueue-jobs'], keys: KEY_COUNT },
  leaseJobs: { files: ['return-to-band', 'lease-jobs'], keys: KEY_COUNT },
  acknowledgeJobs: { files: ['acknowledge-jobs'], keys: KEY_COUNT },
  giveBackJobs: { files: ['return-to-band', 'give-back-jobs'], keys: KEY_COUNT },
  removeJobs: { files: ['remove-jobs'], keys: KEY_COUNT },
  measureDepth: { files: ['measure-depth'], keys: KEY_COUNT },
  beginRebuild: { files: ['begin-rebuild'], keys: KEY_COUNT },
  continueRebuild: { files: ['continue-rebuild'], keys: KEY_COUNT },
  finishRebuild: { files: ['finish-rebuild'], keys: KEY_COUNT },
};
