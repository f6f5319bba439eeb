import { randomUUID } from 'node:crypto';
import type { Transaction } from '../database/transaction.ts';
import { RateLimited } from '../domain/limits/limit-errors.ts';
import { OptionInvalid } from '../options/parse-options.ts';
import { audit } from './audit.ts';
import { type Caller, PermissionDenied, userOf } from './caller.ts';
import type { Call, CallInUnit, Operation } from './define.ts';
import { recording } from './record/recording.ts';
import { type Answered, onceUnderKey } from './under-key.ts';

/** How a call is made and followed. */
export interface CallOptions extends Pick<Call, 'signal' | 'progress'> {
  /**
   * Makes a repetition harmless: the same key in the same tenant is the same call, for as long as retention keeps it (7
   * days by default). 1 to 255 characters. For operations that say so; the others are harmless by nature, or only read.
   */
  readonly key?: string;
}

/** Who calls, what is worked on, and how. */
export type CallSetting = Omit<Call, 'id'> & CallOptions;

type IdentifiedCall = Call & CallOptions;

/**
 * The one way in: parses the input, checks who calls and the permission, charges the rate limit, runs the
 * operation in its transaction together with its audit row, and answers.
 * @throws OptionInvalid, PermissionDenied, RateLimited, and what the operation throws; nothing was done then
 */
export async function callOperation<Input extends object, Answer>(
  operation: Operation<string, Input, Answer>,
  setting: CallSetting,
  given: unknown,
): Promise<Answer> {
  const input = operation.parse(given);
  requirePermission(operation, setting.caller);
  requireKeyTaken(operation, setting);
  if (operation.limit !== undefined) await admit(operation, setting, input);
  const call = { ...setting, id: randomUUID() };
  const { answer, isRepetition } = await inItsUnit(operation, call, input);
  if (!isRepetition) await operation.after?.(call, answer, input).catch(() => undefined);
  return answer;
}

function requirePermission({ name, permission, by }: Operation, caller: Caller): void {
  if (!caller.permissions.has(permission)) throw new PermissionDenied(caller, name, permission);
  if (by === 'person' && caller.kind === 'agent') throw new PermissionDenied(caller, name, null);
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

async function inItsUnit<Input extends object, Answer>(
  operation: Operation<string, Input, Answer>,
  call: IdentifiedCall,
  input: Input,
): Promise<Answered<Answer>> {
  const { caller, stores } = call;
  const work = ({ em }: Pick<Transaction, 'em'>) => onceOrAgain(operation, { ...call, em }, input);
  switch (operation.unit) {
    case 'none':
      // An operation without a transaction takes none: its type says so.
      return { answer: await operation.handle(call as IdentifiedCall & CallInUnit, input), isRepetition: false };
    case 'tenant':
      return recording({ units: stores.database, log: stores.log }, caller.tenant, (unit) =>
        onceOrAgain(operation, { ...call, ...unit }, input),
      );
    case 'statement':
      return stores.database.single.inTenant(caller.tenant, work);
    default:
      return stores.database.inSystem(operation.unit, work);
  }
}

/** @throws OptionInvalid */
function requireKeyTaken({ name, once }: Operation, { key }: CallSetting): void {
  if (key === undefined) return;
  if (once !== 'key') throw new OptionInvalid('call', [`${name} takes no \`key\``], { operation: name });
}

async function onceOrAgain<Input extends object, Answer>(
  operation: Operation<string, Input, Answer>,
  call: CallInUnit & Pick<CallSetting, 'key'>,
  input: Input,
): Promise<Answered<Answer>> {
  const { key } = call;
  if (key === undefined) return { answer: await recorded(operation, call, input), isRepetition: false };
  return onceUnderKey(call, { key, operation: operation.name, input }, () => recorded(operation, call, input));
}

async function recorded<Input extends object, Answer>(
  operation: Operation<string, Input, Answer>,
  call: CallInUnit,
  input: Input,
): Promise<Answer> {
  const answer = await operation.handle(call, input);
  const note = operation.audit?.(answer, input) ?? null;
  if (note !== null) await audit(call.em, call, note);
  return answer;
}
