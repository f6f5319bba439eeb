import { raw } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Json } from '../../domain/json.ts';
import type { EffectState } from '../../domain/system/outbox.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { ActivityEffect } from '../../entities/system/activity-effect.ts';
import { type AnnouncedEffect, announceEffect, effectKey } from '../../entities/system/statements/announce-effect.ts';

/** The ledger's record of one effect. */
export interface EffectRecord {
  /** What it is known by, here and on the other side. */
  readonly key: string;
  readonly state: EffectState;
  readonly requestHash: string;
  readonly result: Json;
  /** Why the result of an effect that happened could not be recorded. */
  readonly fault: string | null;
  /** True for the call that wrote the row just now. */
  readonly created: boolean;
}

/** What came of an effect: its result, or why that cannot be kept. */
export interface EffectDone {
  readonly result: Json;
  readonly fault: string | null;
}

/**
 * Announces an effect, or returns what was written for it before: by an earlier attempt, or by an earlier trace of the
 * task whose effects count (`tasks.effects_since`). An effect of an earlier trace that is done answers this one. One that
 * is in doubt is called again under its key with `repeat`; with `stop` it is announced anew, since a person redrives the
 * task only if it did not happen.
 */
export async function writeEffect(
  em: SqlEntityManager,
  execution: ExecutionRef,
  effect: AnnouncedEffect,
): Promise<EffectRecord> {
  const announced = await announceEffect(em, execution, effect);
  // Another attempt may have announced it at this very moment: a second look sees its row.
  if (announced === null) return findEffect(em, execution, effectKey(execution, effect));
  const { effectKey: key, ...row } = announced;
  return { key, ...row };
}

async function findEffect(em: SqlEntityManager, { tenant }: ExecutionRef, key: string): Promise<EffectRecord> {
  const found = await em.findOneOrFail(ActivityEffect, { tenantId: tenant, effectKey: key });
  const { state, requestHash, result, fault } = found;
  return { key, state, requestHash, result: result ?? null, fault: fault ?? null, created: false };
}

/** Records that an effect has happened. The first record counts. */
export async function finishEffect(
  em: SqlEntityManager,
  { execution, key }: { readonly execution: Pick<ExecutionRef, 'tenant'>; readonly key: string },
  { result, fault }: EffectDone,
): Promise<void> {
  await em.nativeUpdate(
    ActivityEffect,
    { tenantId: execution.tenant, effectKey: key, state: 'pending' },
    { state: 'done', result, fault, finishedAt: raw('now()') },
  );
}
