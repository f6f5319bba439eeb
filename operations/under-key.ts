import { MusterError } from '../domain/errors.ts';
import { type Json, notJson, toJson } from '../domain/json.ts';
import { type CallKey, OperationKeyRepository } from '../entities/system/operation-key-repository.ts';
import { TaskRepository } from '../entities/tasks/task-repository.ts';
import type { CallInUnit } from './define.ts';
import { digestOf } from './digest-of.ts';

/** The key was used before for a call of the same operation with another input. Nothing was done. */
class OperationKeyConflict extends MusterError {
  readonly code = 'idempotency_conflict';
  constructor({ operation, key }: CallKey) {
    super(`The key "${key}" belongs to a call of ${operation} with another input. Use a new key for new work.`, {
      operation,
      key,
    });
  }
}

/** The answer to a call, and whether it is that of an earlier one. */
export interface Answered<Answer> {
  readonly answer: Answer;
  readonly isRepetition: boolean;
}

/**
 * Does what a call asks unless it was done under this key before, in the transaction that does it: then it answers what it
 * answered then, for as long as retention keeps the key. Answers are kept as their JSON. A call whose work fails leaves its
 * key free. Two at once are done one after the other. @throws OperationKeyConflict
 */
export async function onceUnderKey<Answer>(
  { em, caller }: CallInUnit,
  { key: name, operation, input }: { readonly key: string; readonly operation: string; readonly input: object },
  work: () => Promise<Answer>,
): Promise<Answered<Answer>> {
  const key: CallKey = { tenantId: caller.tenant, operation, key: name };
  const keys = new OperationKeyRepository(em);
  const requestHash = digestOf(jsonOf(input));
  await new TaskRepository(em).ensureTenant(caller.tenant);
  const known = await keys.take(key, requestHash);
  if (known === null) {
    const answer = await work();
    await keys.keep(key, jsonOf(answer));
    return { answer, isRepetition: false };
  }
  if (known.requestHash !== requestHash) throw new OperationKeyConflict(key);
  // What was kept is the JSON of an answer of this very operation.
  return { answer: known.answer as Answer, isRepetition: true };
}

function jsonOf(value: unknown): Json {
  const json = toJson(value);
  if (!json.ok) throw new TypeError(notJson(json));
  return json.value;
}
