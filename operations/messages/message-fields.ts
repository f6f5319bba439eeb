import { z } from 'zod';
import type { JsonObject } from '../../domain/json.ts';
import { uuid } from '../../options/fields.ts';
import type { Said } from './voice.ts';

/** How the fields of operations on messages are read. */

export const id = uuid.optional();
/** Whatever it is, the check of what messages can carry says more about it. */
export const payload = z.unknown().optional() as unknown as z.ZodType<JsonObject>;
/** Whatever it is, of what no agent has is said which agents there are. */
export const recipient = z.unknown().optional() as unknown as z.ZodType<string>;

/** What is said, apart from how. */
export function split<Options extends Omit<Said, 'agent'>>({
  payload: content,
  id: given,
  ...options
}: Options): { said: Omit<Said, 'agent'>; options: Omit<Options, 'payload' | 'id'> } {
  return { said: { payload: content, ...(given === undefined ? {} : { id: given }) }, options };
}
