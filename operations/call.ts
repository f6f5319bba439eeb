import type { Transaction } from '../database/transaction.ts';
import { RateLimited } from '../domain/limits/limit-errors.ts';
import { actorOf, type Caller, PermissionDenied, userOf } from './caller.ts';
import type { CallInUnit, Operation } from './define.ts';
import { Recorder } from './record/recorder.ts';
import type { Stores } from './stores.ts';

/** Who calls, and what is worked on. */
export interface CallSetting {
  readonly caller: Caller;
  readonly stores: Stores;
}

/**
 * The one way in: parses the input, asks whether the caller may, counts the call against its limit, runs the operation
 * in its transaction together with its audit row, and answers.
 * @throws OptionInvalid, PermissionDenied, RateLimited, and what the operation throws; nothing was done then
 */
export async function callOperation<Input extends object, Answer>(
  operation: Operation<string, Input, Answer>,
  setting: CallSetting,
  given: unknown,
): Promise<Answer> {
  const input = operation.parse(given);
  requirePermission(operation, setting.caller);
  if (operation.limit !== undefined) await admit(operation, setting, input);
  const answer = await inItsUnit(operation, setting, input);
  await operation.after?.(setting, answer, input).catch(() => undefined);
  return answer;
}

function requirePermission({ name, permission }: Operation, caller: Caller): void {
  if (!caller.permissions.has(permission)) throw new PermissionDenied(caller, name, permission);
}

async function admit<Input extends object>(
  { limit: endpoint = '', costs }: Operation<string, Input>,
  { caller, stores }: CallSetting,
  input: Input,
): Promise<void> {
  if (!(await stores.rateLimits.isSet(`endpoint:${endpoint}`))) return;
  const { cost = 1, user = userOf(caller) } = costs?.(input) ?? {};
  const decision = await stores.rateLimits.take({ tenant: caller.tenant, endpoint, cost, user });
  if (decision.allowed) return;
  const { deniedBy, limit, remaining, retryAfterMs } = decision;
  throw new RateLimited({ deniedBy: deniedBy ?? '', limit: limit ?? 0, remaining: remaining ?? 0, retryAfterMs });
}

function inItsUnit<Input extends object, Answer>(
  operation: Operation<string, Input, Answer>,
  setting: CallSetting,
  input: Input,
): Promise<Answer> {
  const { database } = setting.stores;
  const work = ({ em }: Pick<Transaction, 'em'>) => recorded(operation, { ...setting, em }, input);
  switch (operation.unit) {
    case 'none':
      // An operation without a transaction takes none: its type says so.
      return operation.handle(setting as CallInUnit, input);
    case 'tenant':
      return database.inTenant(setting.caller.tenant, work);
    case 'statement':
      return database.single.inTenant(setting.caller.tenant, work);
    default:
      return database.inSystem(operation.unit, work);
  }
}

async function recorded<Input extends object, Answer>(
  operation: Operation<string, Input, Answer>,
  call: CallInUnit,
  input: Input,
): Promise<Answer> {
  const answer = await operation.handle(call, input);
  const note = operation.audit?.(answer, input) ?? null;
  if (note !== null) {
    await new Recorder(call.em).audited({ tenant: call.caller.tenant, actor: actorOf(call.caller), ...note });
  }
  return answer;
}
