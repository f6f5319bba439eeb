import { setTimeout as pause } from 'node:timers/promises';
import { z } from 'zod';
import { defineAgent, defineGraph, defineTool, type Graph } from '../../../index.ts';
import { SeededRandom } from '../nemesis/random.ts';

/** How many graphs there are, each of its own seed. */
export const GRAPHS = 40;

const given = z.object({ n: z.unknown(), salt: z.number() });
const made = z.object({ n: z.number(), list: z.array(z.number()), even: z.boolean() });

/** The same for the same input, so that what a run decides does not depend on who ran it. */
function make({ n, salt }: z.infer<typeof given>, attempt: number): z.infer<typeof made> {
  const drawn = Math.floor(new SeededRandom(Number(n ?? 3) * 101 + salt).next() * 1_000);
  if (drawn % 25 === 0) throw Object.assign(new Error('never'), { retryable: false });
  if (drawn % 25 === 1) throw new Error('not now, and not later');
  if (drawn % 25 === 2 && attempt === 1) throw new Error('not now');
  const value = drawn % 50;
  return { n: value, list: Array.from({ length: value % 6 }, (_, index) => value + index), even: value % 2 === 0 };
}

const slow = defineAgent({
  ...{ name: 'random-slow', input: given, output: made, retry: { firstMs: 1 } },
  handle: async (input, { attempt }) => {
    await pause(5 + (input.salt % 20));
    return make(input, attempt);
  },
});
const quick = defineAgent({
  ...{ name: 'random-quick', input: given, output: made, quick: true },
  handle: (input, { attempt }) => make(input, attempt),
});
const tool = defineTool({
  ...{ name: 'random-tool', input: given, output: made, quick: true },
  handle: (input, { attempt }) => make(input, attempt),
});
const look = defineTool({
  ...{ name: 'random-look', description: 'Looks.', risk: 'read_only', effect: 'none' },
  ...{ input: z.object({ n: z.number() }), output: z.number() },
  handle: ({ n }) => n * 2,
});
const thinker = defineAgent({
  ...{ name: 'random-thinker', input: given, output: made, model: 'default', tools: [look] },
  instructions: 'Think of a number.',
  limits: { steps: 4 },
});

/** What the model of {@link thinker} says: one or two looks, an answer that mostly fits. */
export function thought(messages: readonly { readonly role: string; readonly content: string | null }[]) {
  const input = JSON.parse(messages[1]?.content ?? '{}') as z.infer<typeof given>;
  const said = messages.filter(({ role }) => role === 'assistant').length;
  const n = Number(input.n ?? 3);
  if (said < n % 3) return { calls: [{ tool: 'random-look', arguments: { n: n + said } }] };
  if (n % 7 === 0) return { text: 'I do not know.' };
  return { text: JSON.stringify({ n: (n + input.salt) % 50, list: [n], even: n % 2 === 0 }) };
}

/** Graphs of all kinds of node, nested, with failures that are tolerated and failures that are not. */
export const graphs: readonly Graph[] = Array.from({ length: GRAPHS }, (_, seed) =>
  randomGraph(new SeededRandom(seed + 1), { name: `random-${seed}`, source: '/task/n', depth: 1, nodes: 7 }),
);

interface Wanted {
  readonly name: string;
  /** What its first nodes read. */
  readonly source: string;
  readonly depth: number;
  readonly nodes: number;
}

function randomGraph(random: SeededRandom, { name, source, depth, nodes: most }: Wanted): Graph {
  const nodes: Record<string, object> = {};
  const conditions: string[] = [];
  const values: string[] = [];
  const count = 1 + Math.floor(random.between(0, most));
  for (let index = 0; index < count; index += 1) {
    const id = `n${index}`;
    const from = values.length === 0 || random.chance(0.3) ? null : random.pick(values);
    const read = from === null ? source : `/nodes/${from}/n`;
    const n = from !== null && random.chance(0.4) ? { pointer: read, optional: true } : read;
    const after = {
      ...(conditions.length > 0 && random.chance(0.4)
        ? { when: { [random.pick(conditions)]: random.pick(['true', 'false']) } }
        : {}),
      ...(values.length > 0 && random.chance(0.2) ? { afterAny: [random.pick(values)] } : {}),
    };
    const input = { n, salt: { value: Math.floor(random.between(0, 1_000)) } };
    const inner = (kind: string) =>
      randomGraph(random, { name: `${name}-${id}`, source: kind, depth: depth + 1, nodes: 3 });
    const kind = random.next();
    if (from !== null && kind < 0.15) {
      nodes[id] = { condition: { pointer: `/nodes/${from}/even`, is: 'truthy' }, ...after };
      conditions.push(id);
      continue;
    }
    if (from !== null && kind < 0.25 && depth < 3) {
      nodes[id] = { each: inner('/task/item'), items: `/nodes/${from}/list`, width: 2, ...after };
      continue;
    }
    if (kind < 0.33 && depth < 3) nodes[id] = { graph: inner('/task/n'), input: { n }, ...after };
    else if (kind < 0.42 && depth < 3) {
      const until = { pointer: '/output/n', is: 'gte', value: 15 };
      nodes[id] = { repeat: inner('/task/iteration'), until, most: 3, ...after };
    } else if (kind < 0.5) nodes[id] = { agent: thinker, input, ...after };
    else if (kind < 0.65) nodes[id] = { agent: slow, input, ...after };
    else if (kind < 0.8) nodes[id] = { tool, input, ...after };
    else nodes[id] = { agent: quick, input, ...after };
    values.push(id);
  }
  const last = values.at(-1) ?? 'n0';
  const output = { n: { pointer: `/nodes/${last}/n`, optional: random.chance(0.8) } };
  // The compiler checks graphs that people write; this one is checked when it is defined.
  return defineGraph({ name, input: z.object({}).loose(), nodes, output, width: 3 } as never);
}
