import { type DefinedHandler, defineHandler, type HandlerOptions } from './define-handler.ts';
import type { Schema } from './handler.ts';

/**
 * Defines a tool: code that a node runs without being a participant; it has no heartbeat and gets no messages.
 * The types of `handle` follow from the schemas. The result is frozen.
 *
 * @throws HandlerDefinitionInvalid naming every fault of the definition.
 */
export function defineTool<Input extends Schema<unknown>, Output extends Schema<unknown>>(
  options: HandlerOptions<Input, Output>,
): DefinedHandler<'tool', Input, Output> {
  return defineHandler('tool', options);
}
