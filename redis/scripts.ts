import { readFileSync } from 'node:fs';
import type { RedisCommander } from 'ioredis';
import { LIMIT_SCRIPTS, type LimitScripts } from './limit-scripts.ts';
import { QUEUE_SCRIPTS, type QueueScripts } from './queue-scripts.ts';
import type { ScriptParts } from './script-parts.ts';

/** What may be asked, of one server or of a cluster: Redis' commands and Muster's scripts. */
export type ScriptedRedis = RedisCommander & QueueScripts & LimitScripts;

const SCRIPTS: Record<string, ScriptParts> = { ...QUEUE_SCRIPTS, ...LIMIT_SCRIPTS };

/** Reads every script, in the shape of ioredis' option `scripts`. */
export function readScripts(): Record<string, { lua: string; numberOfKeys?: number }> {
  const entries = Object.entries(SCRIPTS).map(([name, { files, keys }]) => {
    const lua = files.map((file) => readFileSync(new URL(`./scripts/${file}.lua`, import.meta.url), 'utf8')).join('\n');
    return [name, keys === null ? { lua } : { lua, numberOfKeys: keys }] as const;
  });
  return Object.fromEntries(entries);
}
