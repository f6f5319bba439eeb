import { type AgentOptions, type DefinedHandler, defineHandler } from './define-handler.ts';
import type { Schema } from './handler.ts';

/**
 * Defines an agent: a named participant whose code a worker hosts, and which nodes of graphs may be given to.
 * The types of `handle` follow from the schemas. The result is frozen.
 *
 * @throws HandlerDefinitionInvalid naming every fault of the definition.
 */
export function defineAgent<Input extends Schema<unknown>, Output extends Schema<unknown>>(
  options: AgentOptions<Input, Output>,
): DefinedHandler<'agent', Input, Output> {
  return defineHandler('agent', options);
}
