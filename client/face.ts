import type { TenantId } from '../domain/ids.ts';
import { type CallOptions, callOperation } from '../operations/call.ts';
import type { Caller } from '../operations/caller.ts';
import type { Operation } from '../operations/define.ts';
import {
  type AnswerOf,
  OPERATIONS,
  type OperationName,
  type OperationNamespaces,
  operationNamed,
  unknownOperation,
} from '../operations/register.ts';
import type { Stores } from '../operations/stores.ts';
import { functionField, objectWith, text } from '../options/fields.ts';
import { argumentOf, OptionInvalid, optionsOf, plainCopy } from '../options/parse-options.ts';

const nameArgument = argumentOf('call', 'name', text());
const callOptions = optionsOf<CallOptions>('call', {
  key: text().optional(),
  signal: objectWith<AbortSignal>('an AbortSignal', { addEventListener: 'function' }).optional(),
  progress: functionField<NonNullable<CallOptions['progress']>>('a function').optional(),
});

/** Calls operations as one caller. */
export class Face {
  readonly stores: Stores;
  readonly caller: Caller;

  constructor(stores: Stores, caller: Caller) {
    this.stores = stores;
    this.caller = caller;
  }

  get tenant(): TenantId {
    return this.caller.tenant;
  }

  /** @param given the operation's input, which it reads itself: a type is a promise of the caller's compiler only */
  call<Input extends object, Answer>(
    operation: Operation<string, Input, Answer>,
    given: object,
    how: CallOptions = {},
  ): Promise<Answer> {
    return callOperation(operation, { ...how, stores: this.stores, caller: this.caller }, given);
  }

  /** Calls an operation by its name. @throws OptionInvalid for an unknown name */
  async callNamed<Name extends OperationName>(
    name: Name,
    given: object,
    how: CallOptions = {},
  ): Promise<AnswerOf<Name>> {
    const operation = operationNamed(nameArgument(name));
    if (operation === undefined) throw new OptionInvalid('call', [unknownOperation(name)]);
    // The name decides which operation it is, and so what it answers.
    return this.call(operation, given, callOptions(how)) as Promise<AnswerOf<Name>>;
  }

  /** Every operation as a method of its domain. */
  namespaces(): OperationNamespaces {
    const domains: Record<string, Record<string, (input: object) => Promise<unknown>>> = {};
    for (const operation of OPERATIONS) {
      const [domain = '', verb = ''] = operation.name.split('.');
      domains[domain] ??= {};
      domains[domain][verb] = (input) => this.call<object, unknown>(operation, input);
    }
    return domains as OperationNamespaces;
  }
}

/**
 * The input of an operation whose method takes some of it as separate arguments. An option of the same name is refused,
 * because it would be overwritten silently. @throws OptionInvalid
 */
export function withArguments(verb: string, options: unknown, args: object): object {
  const given = plainCopy(verb, options);
  const twice = Object.keys(args).filter((name) => Object.hasOwn(given, name));
  if (twice.length === 0) return { ...given, ...args };
  throw new OptionInvalid(
    verb,
    twice.map((name) => `there is no option \`${name}\``),
  );
}
