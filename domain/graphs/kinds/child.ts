import { buildMapping } from '../build-mapping.ts';
import type { ChildNode } from '../definition.ts';
import { NAME_PATTERN } from '../names.ts';
import { readMapping } from '../read-mapping.ts';
import { nameOf, note, type Place } from '../read-unknown.ts';
import type { KindRules } from './kind-rules.ts';
import { WAITING } from './waiting.ts';

/** A child runs a graph as a task of its own, and waits for its end: the task's output is the node's. */
export const child: KindRules<ChildNode> = {
  ...WAITING,
  property: 'child',
  written: ['input'],
  objective: 'Runs a graph as a task of its own.',
  brings: ({ child: graph }) => (typeof graph === 'object' ? { graph } : {}),
  build: ({ child: graph = '', input }) => ({
    graphName: typeof graph === 'string' ? graph : graph.definition.name,
    input: buildMapping(input),
  }),
  fields: ['graphName', 'input'],
  parse: (field) => ({ graphName: readGraphName(...field('graphName')), input: readMapping(...field('input')) }),
  waitsAs: 'waiting_input',
};

function readGraphName(value: unknown, place: Place): string {
  if (typeof value === 'string' && NAME_PATTERN.test(value)) return value;
  note(place, 'name_invalid', `Expected a graph's name like ${NAME_PATTERN.source}, found ${nameOf(value)}.`);
  return '';
}
