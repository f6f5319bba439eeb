import type { ScriptParts } from './script-parts.ts';

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

export const LIMIT_SCRIPTS: Record<keyof LimitScripts, ScriptParts> = {
  takeLimits: { files: ['limit-level', 'limit-log', 'limit-ask', 'limit-call', 'take-limits'], keys: null },
  adjustLimits: { files: ['limit-level', 'limit-log', 'adjust-limits'], keys: null },
  startOnce: { files: ['start-once'], keys: 1 },
  acquireSlot: { files: ['take-slot', 'acquire-slot'], keys: 2 },
  acquirePlace: { files: ['take-slot', 'acquire-place'], keys: 4 },
  renewSlot: { files: ['renew-slot'], keys: 1 },
};
