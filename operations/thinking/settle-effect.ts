import { LockMode } from '@mikro-orm/core';
import { z } from 'zod';
import { MusterError } from '../../domain/errors.ts';
import type { TaskId } from '../../domain/ids.ts';
import { type Json, notJson, toJson } from '../../domain/json.ts';
import { isTerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { AuditEntry } from '../../entities/audit/audit-entry.ts';
import { ActivityEffect } from '../../entities/system/activity-effect.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { text, yesOrNo } from '../../options/fields.ts';
import { type CallInUnit, defineOperation } from '../define.ts';
import { finishEffect } from '../record/effects.ts';
import { recordToolSettled } from '../record/tool-calls.ts';

/** What a person found out about an effect in doubt. */
export interface SettleEffectInput {
  /** What the ledger knows it by: `thinking.doubts` lists it, and the error `effect_in_doubt` names it. */
  readonly effect: string;
  readonly happened: boolean;
  /** What the call would have answered: JSON that fits the tool's output. @defaultValue null */
  readonly result?: Json;
}

export interface EffectSettled {
  readonly effect: string;
  readonly taskId: TaskId;
  readonly happened: boolean;
}

/** No effect of the tenant is in doubt under this key. Nothing was changed. */
class EffectNotInDoubt extends MusterError {
  readonly code = 'effect_not_in_doubt';
  /** @param why completes "The effect …" */
  constructor(key: string, why: string) {
    super(`The effect "${key}" ${why}. Nothing was changed. \`muster doubts\` lists what is in doubt.`, { key });
  }
}

/**
 * One that happened is done in the ledger, so every later trace answers from it. One that did not stays as it is: a redrive
 * calls it, and no redrive was needed to find out.
 */
export const settleEffect = defineOperation({
  name: 'effects.settle',
  summary: 'Records whether an effect in doubt happened, as a person found out.',
  effect: 'write',
  risk: 'high_risk',
  permission: 'tasks:write',
  by: 'person',
  unit: 'tenant',
  input: { effect: text(), happened: yesOrNo, result: z.unknown().optional() as z.ZodType<Json | undefined> },
  contradiction: contradictionOf,
  async handle(call, { effect, happened, result = null }: SettleEffectInput): Promise<EffectSettled> {
    const { em, id } = call;
    const { tenant } = call.caller;
    const lock = { lockMode: LockMode.PESSIMISTIC_WRITE };
    const row = await em.findOne(ActivityEffect, { tenantId: tenant, effectKey: effect }, lock);
    if (row === null) throw new EffectNotInDoubt(effect, `is not one of the tenant "${tenant}"`);
    const { taskId, state } = row;
    const settled = { effect, taskId, happened };
    // The unit of work runs again where the answer to its commit was lost.
    if ((await em.count(AuditEntry, { id })) > 0) return settled;
    if (state === 'done') throw new EffectNotInDoubt(effect, 'is recorded as done');
    await requireEnded(call, effect, taskId);
    if (happened) await finishEffect(em, { execution: { tenant }, key: effect }, { result, fault: null });
    await recordToolSettled(em, { tenant, taskId, effectKey: effect, happened });
    return settled;
  },
  audit: ({ effect, taskId, happened }) => {
    return { action: 'effect.settled', subjectType: 'effect', subjectId: effect, details: { taskId, happened } };
  },
});

/** Until then its own process may still record it. @throws EffectNotInDoubt */
async function requireEnded({ em }: CallInUnit, effect: string, taskId: TaskId): Promise<void> {
  const task = await new TaskRepository(em).find(taskId);
  if (task !== null && isTerminalTaskStatus(task.status)) return;
  throw new EffectNotInDoubt(effect, 'is of a task that has not ended');
}

function contradictionOf({ happened, result }: SettleEffectInput): string | null {
  if (result === undefined) return null;
  if (!happened) return '`result` goes with `happened: true`';
  const json = toJson(result);
  return json.ok ? null : `\`result\` must be JSON: ${notJson(json)}`;
}
