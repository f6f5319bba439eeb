import type { Json } from '../../json.ts';
import { buildMapping } from '../build-mapping.ts';
import type { Condition, RepeatNode } from '../definition.ts';
import { parsePointer, readPointer } from '../json-pointer.ts';
import { MOST_LIMITS } from '../kinds.ts';
import { readCondition, readMapping } from '../read-mapping.ts';
import { evaluateCondition, pointersRead } from '../read-source.ts';
import { at, nameOf, note, type Place, readInteger } from '../read-unknown.ts';
import { innerGraphOf, inputWith } from './inner-graph.ts';
import type { KindRules } from './kind-rules.ts';

/** A repeat runs its inner graph round after round until a condition over the round's output holds. */
export const repeat: KindRules<RepeatNode> = {
  property: 'repeat',
  written: ['until', 'most', 'input'],
  objective: 'Runs a graph until a condition holds.',
  brings: ({ repeat: graph }) => ({ graph }),
  build: ({ repeat: graph, until = { any: [] }, most = MOST_LIMITS.default, input }) => ({
    graph: innerGraphOf(graph),
    input: buildMapping(input),
    until,
    most,
  }),
  fields: ['graph', 'input', 'until', 'most'],
  parse: (field, readGraph) => {
    const [graphValue, graphPlace] = field('graph');
    const graph = readGraph(graphValue, graphPlace);
    if (pointersRead(graph.output).some(readsPrevious)) {
      const message = 'The output of a repeated graph is made from its nodes; it must not read /task/previous.';
      note(at(graphPlace, 'output'), 'output_reads_previous', message);
    }
    const until = readCondition(...field('until'), readOutputPointer);
    const most = readInteger(...field('most'), { code: 'most_out_of_range', ...MOST_LIMITS });
    return { graph, input: readMapping(...field('input')), until, most };
  },
  drive: () => 'container',
  readers: ({ input }) => ({ input }),
  plan: { input: { fields: {} }, until: null },
  decides: false,
  container: {
    numbered: true,
    gives: ['iteration', 'previous'],
    parallel: () => 1,
    open: () => ({ ok: true, size: 1 }),
    input: (node, document, { index, previous }) => inputWith(node, document, { iteration: index, previous }),
    previous: true,
    outputs: (size) => [size - 1],
    turn: ({ until, most }, [output = null], size) => {
      if (evaluateCondition(until, { output })) return { ok: true, output };
      if (size < most) return { ok: true, size: size + 1 };
      const message = `The condition did not hold after ${size} rounds, the most that are allowed.`;
      return { ok: false, code: 'rounds_exhausted', message: [message, ...absences(until, output)].join(' ') };
    },
  },
};

/** Rounds would depend on each other's inputs, back to the first, whenever one is read. */
function readsPrevious(pointer: string): boolean {
  const [root, name] = parsePointer(pointer) ?? [];
  return root === 'task' && (name === undefined || name === 'previous');
}

/** Says of each pointer that finds nothing that it does: it may be misspelt. */
function absences(until: Condition, output: Json): readonly string[] {
  const pointers = [...new Set(pointersRead(until))];
  const absent = pointers.filter((pointer) => readPointer({ output }, pointer) === undefined);
  return absent.map((pointer) => `${pointer} is not in the output.`);
}

function readOutputPointer(value: unknown, place: Place): string {
  const [root] = (typeof value === 'string' ? parsePointer(value) : null) ?? [];
  if (root === 'output') return String(value);
  note(place, 'pointer_malformed', `Expected a JSON Pointer that begins with /output, found ${nameOf(value)}.`);
  return '/output';
}
