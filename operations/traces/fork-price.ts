import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { type ForkPlan, nodeOfTemplate, templateOf } from '../../domain/graphs/fork-plan.ts';
import { containerOf, isContainer, rulesOf } from '../../domain/graphs/kinds/kind-table.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { type SampleRequest, UsageRepository, type UsageSample } from '../../entities/thinking/usage-repository.ts';

/** From the least to the most that was recorded. */
export interface Range {
  readonly min: number;
  readonly max: number;
}

/** What a fork may cost. */
export interface ForkCost {
  readonly tokens: Range;
  /** In millionths of the currency of the installation's prices. */
  readonly costMicros: Range;
  /** Thinking nodes of which nothing is recorded, and nodes that run tasks of their own, as paths without numbers. */
  readonly unpriced: readonly RunPath[];
  /** Whether a model may be called at all. */
  readonly spends: boolean;
}

/**
 * What the runs that run again used before, in this trace and in the newest 50 of the graph. A node that ran here costs what
 * as many of its runs cost, or as a whole trace of it, where that was more; one that did not run here may cost nothing.
 */
export async function priceFork(
  em: SqlEntityManager,
  definition: GraphDefinition,
  { plan, ...request }: SampleRequest & { readonly plan: ForkPlan },
): Promise<ForkCost> {
  const counts = countsOf(plan);
  const thinking = [...counts].filter(([template]) => thinks(definition, template));
  const children = [...counts.keys()].filter((template) => runsChild(definition, template));
  if (thinking.length + children.length === 0) return FREE;
  const samples = Map.groupBy(await new UsageRepository(em).samples(request), ({ path }) => templateOf(path));
  const known = thinking.flatMap(([template, count]) => {
    const own = samples.get(template);
    return own === undefined ? [] : [{ count, own, rounds: isWithinRounds(definition, template) }];
  });
  return {
    tokens: sumOf(known.map((node) => rangeOf(node, ({ tokens }) => tokens))),
    costMicros: sumOf(known.map((node) => rangeOf(node, ({ costMicros }) => costMicros))),
    unpriced: [...thinking.map(([template]) => template).filter((template) => !samples.has(template)), ...children],
    spends: true,
  };
}

const NOTHING: Range = { min: 0, max: 0 };
/** What calls no model. */
export const FREE: ForkCost = { tokens: NOTHING, costMicros: NOTHING, unpriced: [], spends: false };

/** How many runs each node had of those that run again; 0 for a node that had none. */
function countsOf({ again, further }: ForkPlan): ReadonlyMap<RunPath, number> {
  const counts = new Map<RunPath, number>(further.map((template) => [template, 0]));
  for (const path of again) counts.set(templateOf(path), (counts.get(templateOf(path)) ?? 0) + 1);
  return counts;
}

function thinks(definition: GraphDefinition, template: RunPath): boolean {
  const node = nodeOfTemplate(definition, template);
  return node !== null && rulesOf(node.kind).drive(node) === 'thinking';
}

/** Whether a node runs a graph as a task of its own, whose calls are that task's. */
function runsChild(definition: GraphDefinition, template: RunPath): boolean {
  const node = nodeOfTemplate(definition, template);
  return node !== null && 'graphName' in node;
}

/** Whether a node is in a repeat, which may need fewer rounds than before. */
function isWithinRounds(definition: GraphDefinition, template: RunPath): boolean {
  const parts = template.split('/');
  const above = parts.map((_, depth) => nodeOfTemplate(definition, parts.slice(0, depth).join('/')));
  return above.some((node) => node !== null && isContainer(node) && containerOf(node).previous);
}

interface Priced {
  /** How many runs of it run again. */
  readonly count: number;
  readonly own: readonly UsageSample[];
  readonly rounds: boolean;
}

function rangeOf({ count, own, rounds }: Priced, amount: (sample: UsageSample) => number): Range {
  const each = own.map(amount);
  const traces = [...Map.groupBy(own, ({ traceId }) => traceId).values()];
  const whole = traces.map((samples) => samples.reduce((sum, sample) => sum + amount(sample), 0));
  const least = rounds ? Math.min(count, 1) : count;
  return { min: least * Math.min(...each), max: Math.max(count * Math.max(...each), ...whole) };
}

function sumOf(ranges: readonly Range[]): Range {
  return ranges.reduce((sum, { min, max }) => ({ min: sum.min + min, max: sum.max + max }), NOTHING);
}
