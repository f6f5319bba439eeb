import type { Graph } from '../domain/graphs/defined-graph.ts';
import type { RedriveAll } from '../operations/tasks/redrive.ts';
import { listOf, objectWith, text } from '../options/fields.ts';
import { argumentOf } from '../options/parse-options.ts';
import { plainCopy } from './face.ts';

/** How the arguments of the client's short names are read that are no fields of an operation. */

export const userArgument = argumentOf('as', 'user', text());
export const taskIdArgument = argumentOf('task', 'id', text());
export const graphsArgument = argumentOf(
  'publish',
  'graphs',
  listOf(objectWith<Graph>('a graph made by defineGraph', { definition: 'object', handlers: 'object' }), {
    max: 10_000,
    of: 'graphs made by defineGraph',
  }),
);

/** What `redrive` was given, as fields. */
export function targetOf(target: string | readonly string[] | RedriveAll): object {
  if (typeof target === 'string') return { id: target };
  return Array.isArray(target) ? { ids: target } : plainCopy('redrive', target);
}
