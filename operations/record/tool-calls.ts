import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { ToolCallState } from '../../domain/thinking/states.ts';
import { jsonOf } from '../../entities/insert-from.ts';
import { tables } from '../../entities/tables.ts';
import type { StoredResult } from '../../entities/thinking/tool-call.ts';
import type { StepPlace } from './model-calls.ts';

/** One tool call of a step. */
export interface ToolCallPlace extends StepPlace {
  readonly index: number;
}

/** With what a tool call is made. */
export interface ToolBegun {
  /** What lets it; null where it was let before. */
  readonly decision: JsonObject | null;
  /** Of the tool and the arguments with which it is made: a person may have put others in place of those that were asked. */
  readonly digest: string;
}

/** Records that a tool call begins. @returns how often it was begun and lost */
export async function recordToolBegun(
  em: SqlEntityManager,
  place: ToolCallPlace,
  { decision, digest }: ToolBegun,
): Promise<number> {
  const row = await toolAt(em, place)
    .set((eb) => ({
      ...{ state: 'running', digest },
      attempts: eb('attempts', '+', 1),
      ...(decision === null ? {} : { decision: eb.cast<never>(jsonOf(decision), 'jsonb') }),
      startedAt: eb.fn.coalesce('startedAt', eb.fn<Date>('clock_timestamp')),
    }))
    .where('state', 'in', ['asked', 'waiting', 'running'])
    .returning(['attempts', 'handovers'])
    .executeTakeFirst();
  return row === undefined ? 0 : row.attempts - row.handovers - 1;
}

/** Records that the worker that carries out a tool call stops before its end: the call is not lost, and begins again. */
export async function recordToolLeft(em: SqlEntityManager, place: ToolCallPlace): Promise<void> {
  await toolAt(em, place)
    .set((eb) => ({ state: 'asked', handovers: eb('handovers', '+', 1) }))
    .where('state', '=', 'running')
    .execute();
}

/** Records that a tool call waits for a person. */
export async function recordToolWaits(
  em: SqlEntityManager,
  place: ToolCallPlace,
  { decision, approvalId }: { readonly decision: JsonObject; readonly approvalId: string },
): Promise<void> {
  await toolAt(em, place)
    .set((eb) => ({ state: 'waiting', approvalId, decision: eb.cast<never>(jsonOf(decision), 'jsonb') }))
    .where('state', 'in', ['asked', 'waiting'])
    .execute();
}

/** What a person found out about an effect in doubt. */
export interface SettledEffect {
  readonly tenant: TenantId;
  readonly taskId: TaskId;
  readonly effectKey: string;
  readonly happened: boolean;
}

/** Ends the doubt about the tool call that made an effect, if a tool made it. */
export async function recordToolSettled(em: SqlEntityManager, settled: SettledEffect): Promise<void> {
  const { tenant, taskId, effectKey, happened } = settled;
  const text = happened ? 'A person looked it up: it happened.' : 'A person looked it up: it did not happen.';
  await tables(em)
    .updateTable('tool_calls')
    .set((eb) => ({
      state: happened ? 'done' : 'failed',
      result: eb.cast<never>(jsonOf({ text, effectKey }), 'jsonb'),
    }))
    .where('tenantId', '=', tenant)
    .where('taskId', '=', taskId)
    .where((eb) => eb(eb.fn<string>('jsonb_extract_path_text', ['result', eb.val('effectKey')]), '=', effectKey))
    .execute();
}

/** How a tool call ended. */
export interface ToolEnd {
  readonly tool: string;
  readonly state: Extract<ToolCallState, 'done' | 'failed' | 'denied' | 'in_doubt'>;
  readonly result: StoredResult;
  /** Kept where it is absent. */
  readonly decision?: JsonObject;
}

/** Records how a tool call ended. The first end counts. @returns whether this is it */
export async function recordToolEnd(em: SqlEntityManager, place: ToolCallPlace, end: ToolEnd): Promise<boolean> {
  const { state, result, decision } = end;
  const written = await toolAt(em, place)
    .set((eb) => ({
      state,
      result: eb.cast<never>(jsonOf({ ...result }), 'jsonb'),
      finishedAt: eb.fn<Date>('clock_timestamp'),
      ...(decision === undefined ? {} : { decision: eb.cast<never>(jsonOf(decision), 'jsonb') }),
    }))
    .where('state', 'in', ['asked', 'waiting', 'running'])
    .executeTakeFirst();
  return written.numUpdatedRows > 0n;
}

function toolAt(em: SqlEntityManager, { execution, path, step, index }: ToolCallPlace) {
  const { tenant, traceId } = execution;
  return tables(em)
    .updateTable('tool_calls')
    .where('tenantId', '=', tenant)
    .where('traceId', '=', traceId)
    .where('path', '=', path)
    .where('step', '=', step)
    .where('index', '=', index);
}
