import { z } from 'zod';
import { NAME_PATTERN } from '../../domain/graphs/names.ts';
import { type Json, notJson, toJson } from '../../domain/json.ts';
import { textLike } from '../../options/fields.ts';

/** What every operation declares that ends waits. */
export const WAIT_ENDING = {
  effect: 'write',
  risk: 'external_write',
  permission: 'tasks:write',
  unit: 'tenant',
  once: 'key',
} as const;

/** The name of a message or an event. */
export const waitName = textLike(`a name like ${NAME_PATTERN.source}`, (name) => NAME_PATTERN.test(name));

/** The largest data of a message or an event, in characters of JSON. */
const MOST_DATA = 262_144;

/** What a message or an event carries: any JSON. */
export const waitData = z.unknown().optional() as z.ZodType<Json | undefined>;

/** Why this cannot be carried; null where it can. */
export function dataFault(data: Json | undefined): string | null {
  if (data === undefined) return null;
  const json = toJson(data);
  if (!json.ok) return `\`data\` must be JSON: ${notJson(json)}`;
  const { length } = JSON.stringify(json.value);
  return length <= MOST_DATA ? null : `\`data\` must have at most ${MOST_DATA} characters of JSON, not ${length}`;
}
