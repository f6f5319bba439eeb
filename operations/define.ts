import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { z } from 'zod';
import type { SystemPurpose } from '../database/transaction.ts';
import type { RiskClass } from '../domain/agents/risk.ts';
import type { JsonObject } from '../domain/json.ts';
import { type OptionFields, OptionInvalid, optionsOf } from '../options/parse-options.ts';
import type { Caller, Permission } from './caller.ts';
import type { Recorder } from './record/recorder.ts';
import type { Stores } from './stores.ts';

/**
 * The transaction in which an operation runs: one of the caller's `tenant`, the same for exactly one `statement`, or one
 * across tenants under the name of its purpose. `none` for an operation that opens its own, or needs none.
 */
export type UnitKind = 'none' | 'tenant' | 'statement' | SystemPurpose;

/** Where the door can add neither an audit row nor the answer under a key: the operation writes them itself. */
type Unrecorded = Extract<UnitKind, 'none' | 'statement'>;

/** What an operation is given besides its input. */
export interface Call {
  /** Of this call: the same each time its unit of work runs. */
  readonly id: string;
  readonly caller: Caller;
  readonly stores: Stores;
  /** Aborts when the caller does not want the answer any more. An operation of many steps stops between two of them. */
  readonly signal?: AbortSignal;
  /** Hears how far an operation of many steps has come. */
  readonly progress?: (report: unknown) => void;
}

/** The same inside a transaction, which the door commits. It ends with the operation: keep nothing of it. */
export interface CallInUnit extends Call {
  readonly em: SqlEntityManager;
}

/** What the audit log says of a call. */
export interface AuditNote {
  /** The kind of the subject and what was done to it: `settings.changed`. */
  readonly action: string;
  readonly subjectType: string;
  readonly subjectId: string;
  readonly details?: JsonObject;
  /** Whose row it is. @defaultValue the caller's tenant */
  readonly tenant?: string;
}

/**
 * The same in a transaction of the caller's tenant. Where a trace cannot be written, the operation runs again with a
 * recorder that leaves it out.
 */
export interface CallInTenant extends CallInUnit {
  readonly recorder: Recorder;
}

/** What an operation is handed in its unit of work. */
type CallIn<Unit extends UnitKind> = Unit extends 'none' ? Call : Unit extends 'tenant' ? CallInTenant : CallInUnit;

export interface OperationSpec<Name extends string, Input extends object, Answer, Unit extends UnitKind> {
  /** `domain.verb`: the client's namespace and method, and the name everywhere else. */
  readonly name: Name;
  /** One sentence. Its promises stand at the client's method; its own comment says what those do not. */
  readonly summary: string;
  /** How each field of the input is read. What is not named here is refused. */
  readonly input: OptionFields<Input>;
  /** The contradiction between fields that are valid one by one; null where there is none. */
  contradiction?(input: Input): string | null;
  /** `read` changes nothing; `destroy` removes what nothing brings back, and has a `dryRun`. */
  readonly effect: 'read' | 'write' | 'destroy';
  /** What it may lead to where an agent is granted it as a tool. */
  readonly risk: RiskClass;
  readonly permission: Permission;
  /**
   * `person`: no agent may call it, whatever it was granted. What limits agents is not for agents to change, and what waits for
   * a person is not for them to decide.
   * @defaultValue everybody with the permission
   */
  readonly by?: 'person';
  /** The endpoint class whose rate limit holds, and what a call costs. @defaultValue none */
  readonly limit?: string;
  costs?(input: Input): { readonly cost?: number; readonly user?: string | undefined };
  readonly unit: Unit;
  /**
   * `key`: a repetition under the same key answers what the first call answered, and does nothing. Its answers are plain
   * JSON, and it runs in a transaction of several statements.
   * @defaultValue a repetition is harmless by nature
   */
  readonly once?: Unit extends Unrecorded ? never : 'key';
  /** Does it. A unit of work may run twice: it must not mind. */
  handle(call: CallIn<Unit>, input: Input): Promise<Answer>;
  /** What the audit log says, written in the same transaction; null for a call that changed nothing. */
  audit?(answer: Answer, input: Input): Unit extends Unrecorded ? never : AuditNote | null;
  /** What only saves time, such as telling a queue, once the transaction has committed. Its failures are ignored. */
  after?(call: Call, answer: Answer, input: Input): Promise<unknown>;
}

/** One thing that a caller may ask of Muster. */
export interface Operation<Name extends string = string, Input extends object = object, Answer = unknown>
  extends OperationSpec<Name, Input, Answer, UnitKind> {
  /** @throws OptionInvalid */
  parse(given: unknown): Input;
  inputSchema(): JsonObject;
}

/**
 * Declares an operation: as data and one function. It is called through `callOperation` only, which parses its input,
 * checks the permission, charges the rate limit, and runs it in its transaction.
 */
export function defineOperation<
  const Name extends `${string}.${string}`,
  Input extends object,
  Answer,
  Unit extends UnitKind,
>(spec: OperationSpec<Name, Input, Answer, Unit>): Operation<Name, Input, Answer> {
  const read = optionsOf<Input>(spec.name, spec.input);
  return {
    ...spec,
    parse(given) {
      const input = read(given);
      const fault = spec.contradiction?.(input) ?? null;
      if (fault !== null) throw new OptionInvalid(spec.name, [fault]);
      return input;
    },
    inputSchema: () =>
      z.toJSONSchema(z.strictObject(spec.input as z.ZodRawShape), {
        unrepresentable: 'any',
        io: 'input',
      }) as JsonObject,
  };
}
