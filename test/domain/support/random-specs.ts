import { z } from 'zod';
import { defineAgent, defineGraph, defineTool, type Graph } from '../../../index.ts';

/** Numbers from a seed: mulberry32. */
export class Random {
  #state: number;
  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 0 up to 1, which is not among them. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  }

  below(count: number): number {
    return Math.floor(this.next() * count);
  }

  chance(share: number): boolean {
    return this.next() < share;
  }

  of<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('There is nothing to choose from.');
    return item;
  }
}

/** A source as a graph is written with it. */
export type SourceSpec = string | { readonly pointer: string; readonly optional: true };

/** A node as data, from which a graph can be made again after a change. */
export interface NodeOf {
  readonly kind: 'agent' | 'tool' | 'condition' | 'sub-graph' | 'each' | 'repeat';
  readonly performer?: string;
  readonly input?: Readonly<Record<string, SourceSpec>>;
  readonly when?: Readonly<Record<string, 'true' | 'false'>>;
  /** What a condition, or the end of a repeat, compares. */
  readonly compares?: { readonly pointer: string; readonly is: 'truthy' | 'gte' | 'exists'; readonly value?: number };
  readonly items?: SourceSpec;
  readonly width?: number;
  readonly most?: number;
  readonly inner?: SpecOf;
}

/** A graph as data. */
export interface SpecOf {
  readonly name: string;
  readonly nodes: Readonly<Record<string, NodeOf>>;
  readonly output: Readonly<Record<string, SourceSpec>>;
  /** The fields that its input must have, with their types. */
  readonly requires: Readonly<Record<string, 'number' | 'text' | 'list'>>;
  readonly width: number;
}

/** What outputs and inputs may have. `zz` is in none that was recorded. */
export const FIELDS = ['a', 'b', 'flag', 'n', 'list', 'zz'] as const;
const RECORDED = FIELDS.slice(0, -1);

const PERFORMERS = ['p1', 'p2', 'p3', 'p4'];
const any = z.any();
const handlers = { input: any, output: any, handle: () => ({}) };
const agents = new Map(PERFORMERS.map((name) => [name, defineAgent({ name, ...handlers })]));
const tools = new Map(PERFORMERS.map((name) => [name, defineTool({ name, risk: 'read_only', ...handlers })]));
const TYPES = { number: z.number(), text: z.string(), list: z.array(z.unknown()) };

/** Makes the graph of a spec. @throws GraphInvalid */
export function graphOf(spec: SpecOf): Graph {
  const input = z.looseObject(
    Object.fromEntries(Object.entries(spec.requires).map(([name, type]) => [name, TYPES[type]])),
  );
  const nodes = Object.fromEntries(Object.entries(spec.nodes).map(([id, node]) => [id, nodeOf(node)]));
  return defineGraph({ name: spec.name, input, width: spec.width, nodes, output: spec.output } as never);
}

function nodeOf({ kind, performer = 'p1', input, when, compares, items, width, most, inner }: NodeOf): object {
  const common = { ...(input && { input }), ...(when && { when }) };
  switch (kind) {
    case 'agent':
      return { agent: agents.get(performer), ...common };
    case 'tool':
      return { tool: tools.get(performer), ...common };
    case 'condition':
      return { condition: compares, ...(when && { when }) };
    case 'sub-graph':
      return { graph: graphOf(inner as SpecOf), ...common };
    case 'each':
      return { each: graphOf(inner as SpecOf), items, width, ...common };
    default:
      return { repeat: graphOf(inner as SpecOf), until: compares, most, ...common };
  }
}

/** Draws a graph of 5 to 9 nodes that read each other, with graphs within it as deep as `depth` says. */
export function randomSpec(random: Random, name: string, depth = 2): SpecOf {
  const nodes: Record<string, NodeOf> = {};
  const count = depth === 2 ? 5 + random.below(5) : 1 + random.below(3);
  for (let at = 0; at < count; at += 1)
    nodes[`${depth === 2 ? 'n' : `i${depth}`}${at}`] = randomNode(random, nodes, `${name}-${at}`, depth);
  const last = Object.keys(nodes)
    .filter((id) => nodes[id]?.kind !== 'condition')
    .slice(-2);
  const output = Object.fromEntries(
    last.map((id, at) => [`o${at}`, { pointer: `/nodes/${id}`, optional: true as const }]),
  );
  return { name, nodes, output, requires: depth === 2 ? { a: 'number' } : {}, width: 1 + random.below(4) };
}

/** A node that may stand behind the others. */
export function randomNode(
  random: Random,
  before: Readonly<Record<string, NodeOf>>,
  name: string,
  depth: number,
): NodeOf {
  const kinds = [
    'agent',
    'agent',
    'agent',
    'tool',
    'condition',
    ...(depth > 0 ? (['sub-graph', 'each', 'repeat'] as const) : []),
  ] as const;
  const kind = random.of(kinds);
  const conditions = Object.keys(before).filter((id) => before[id]?.kind === 'condition');
  const when =
    conditions.length > 0 && random.chance(0.4)
      ? { when: { [random.of(conditions)]: random.of(['true', 'false'] as const) } }
      : {};
  if (kind === 'condition') return { kind, compares: comparison(random, randomPointer(random, before)) };
  const input = randomInput(random, before);
  if (kind === 'agent' || kind === 'tool') return { kind, performer: random.of(PERFORMERS), input, ...when };
  const inner = randomSpec(random, `${name}-inner`, depth - 1);
  if (kind === 'sub-graph') return { kind, input, inner, ...when };
  if (kind === 'each')
    return { kind, input, items: listPointer(random, before), width: 1 + random.below(3), inner, ...when };
  return {
    kind,
    input,
    compares: comparison(random, `/output/o0/${random.of(RECORDED)}`),
    most: 1 + random.below(3),
    inner,
    ...when,
  };
}

export function comparison(random: Random, pointer: string): NonNullable<NodeOf['compares']> {
  const is = random.of(['truthy', 'gte', 'exists'] as const);
  return is === 'gte' ? { pointer, is, value: random.below(8) } : { pointer, is };
}

function randomInput(random: Random, before: Readonly<Record<string, NodeOf>>): NonNullable<NodeOf['input']> {
  const names = ['a', 'n', 'x'].slice(0, 1 + random.below(3));
  return Object.fromEntries(names.map((name) => [name, randomSource(random, before)]));
}

export function randomSource(random: Random, before: Readonly<Record<string, NodeOf>>): SourceSpec {
  const pointer = randomPointer(random, before);
  return random.chance(0.2) ? { pointer, optional: true } : pointer;
}

/** A pointer into the task's input or an earlier node. Sometimes it finds nothing. */
export function randomPointer(random: Random, before: Readonly<Record<string, NodeOf>>): string {
  const ids = Object.keys(before);
  if (ids.length === 0 || random.chance(0.2)) return `/task/${random.of(['a', 'n'])}`;
  const id = random.of(ids);
  const { kind } = before[id] ?? { kind: 'agent' };
  if (kind === 'condition') return `/nodes/${id}`;
  if (kind === 'each') return random.chance(0.5) ? `/nodes/${id}` : `/nodes/${id}/0`;
  if (kind === 'sub-graph' || kind === 'repeat') return random.chance(0.5) ? `/nodes/${id}` : `/nodes/${id}/o0`;
  return random.chance(0.3) ? `/nodes/${id}` : `/nodes/${id}/${random.of(RECORDED)}`;
}

export function listPointer(random: Random, before: Readonly<Record<string, NodeOf>>): SourceSpec {
  const makers = Object.keys(before).filter((id) => before[id]?.kind === 'agent' || before[id]?.kind === 'tool');
  return makers.length === 0 || random.chance(0.3) ? '/task/list' : `/nodes/${random.of(makers)}/list`;
}
