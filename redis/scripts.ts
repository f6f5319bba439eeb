import { readFileSync } from 'node:fs';
import type { Redis } from 'ioredis';
import type { QueueKeys } from './keys.ts';

type Keys = QueueKeys['all'];
/** Milliseconds in a script's arguments; counts and band numbers travel likewise. */
type Argument = string | number;

/** The scripts of scripts/*.lua as ioredis offers them. Each file's header states what its arguments mean. */
export interface RedisScripts {
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

/** A connection that knows Muster's scripts. */
export type ScriptedRedis = Redis & RedisScripts;

/** The files that make up each script, in order. */
const SCRIPT_FILES: Record<keyof RedisScripts, readonly string[]> = {
  enqueueJobs: ['enqueue-jobs'],
  leaseJobs: ['return-to-band', 'lease-jobs'],
  acknowledgeJobs: ['acknowledge-jobs'],
  giveBackJobs: ['return-to-band', 'give-back-jobs'],
  removeJobs: ['remove-jobs'],
  measureDepth: ['measure-depth'],
  beginRebuild: ['begin-rebuild'],
  continueRebuild: ['continue-rebuild'],
  finishRebuild: ['finish-rebuild'],
};

const QUEUE_KEY_COUNT = 7;

/** Reads every script, in the shape of ioredis' option `scripts`. */
export function readScripts(): Record<string, { lua: string; numberOfKeys: number }> {
  const entries = Object.entries(SCRIPT_FILES).map(([name, files]) => {
    const lua = files.map((file) => readFileSync(new URL(`./scripts/${file}.lua`, import.meta.url), 'utf8')).join('\n');
    return [name, { lua, numberOfKeys: QUEUE_KEY_COUNT }] as const;
  });
  return Object.fromEntries(entries);
}
