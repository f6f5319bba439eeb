import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { meanOf } from '../../domain/evals/evaluation.ts';
import type { GraphId, TenantId } from '../../domain/ids.ts';
import { EvalRepository } from '../../entities/evals/eval-repository.ts';
import type { GraphRequirement } from '../../entities/evals/graph-requirement.ts';
import { RequirementRepository } from '../../entities/evals/requirement-repository.ts';
import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import { definedName, numberFrom } from '../../options/fields.ts';
import { OptionInvalid } from '../../options/parse-options.ts';
import { defineOperation } from '../define.ts';
import { name } from '../tasks/task-fields.ts';
import { type Requirement, ScoreMissing, ScoreTooLow } from './eval-errors.ts';

export interface RequireInput extends Omit<Requirement, 'atLeast'> {
  readonly graph: string;
  /** The least mean, 0 to 1; null for no requirement any more. */
  readonly atLeast: number | null;
}

/** @throws OptionInvalid for a graph that is not the tenant's own, and for an evaluation of it that never ran */
export const requireScore = defineOperation({
  name: 'graphs.require',
  summary: 'Sets what a version of a graph must score in an evaluation before it may be activated.',
  effect: 'write',
  risk: 'high_risk',
  permission: 'graphs:publish',
  by: 'person',
  unit: 'tenant',
  once: 'key',
  input: { graph: definedName, eval: definedName, scorer: definedName, atLeast: numberFrom(0, 1).nullable() },
  async handle({ em, caller }, { graph, atLeast, ...of }: RequireInput): Promise<RequireInput> {
    if ((await new GraphRepository(em).versions(caller.tenant, graph)).length === 0)
      throw foreign(graph, caller.tenant);
    const requirements = new RequirementRepository(em);
    const row = { graphName: graph, ...of };
    if (atLeast === null) await requirements.unset(caller.tenant, row);
    else {
      const [newest] = await new EvalRepository(em).list(caller.tenant, { name: of.eval, graph, limit: 1 });
      if (newest === undefined) throw unrun(of.eval, graph);
      await requirements.set(caller.tenant, { ...row, atLeast, definitionHash: newest.definitionHash });
    }
    return { graph, ...of, atLeast };
  },
  audit: (_, { graph, ...details }) => {
    return { action: 'graph.required', subjectType: 'graph', subjectId: graph, details: { ...details } };
  },
});

function foreign(graph: string, tenant: TenantId): OptionInvalid {
  const hint = 'graphs that workers publish belong to the tenant system';
  return new OptionInvalid('graphs.require', [`the tenant "${tenant}" has no graph "${graph}" of its own (${hint})`]);
}

function unrun(set: string, graph: string): OptionInvalid {
  const hint = 'run it first: what is required is the score in the cases that it has then';
  return new OptionInvalid('graphs.require', [`no evaluation "${set}" of "${graph}" ran yet; ${hint}`]);
}

export const listRequirements = defineOperation({
  name: 'graphs.requirements',
  summary: 'Lists what graphs of the tenant must score before a version may be activated.',
  effect: 'read',
  risk: 'read_only',
  permission: 'graphs:read',
  unit: 'tenant',
  input: { graph: name },
  async handle({ em, caller }, { graph }: { readonly graph?: string }) {
    const rows = await new RequirementRepository(em).list(caller.tenant, graph);
    return rows.map(({ graphName, eval: set, scorer, atLeast }) => ({ graph: graphName, eval: set, scorer, atLeast }));
  },
});

/** A version that is about to be activated. */
interface Candidate {
  readonly tenant: TenantId;
  /** Null for one that is not written yet: it has scored nothing. */
  readonly id: GraphId | null;
  readonly name: string;
  readonly version: number;
}

/** Why a version may not be activated: the first requirement that its last completed evaluation does not meet. Null: it may. */
export async function missedScore(em: SqlEntityManager, graph: Candidate): Promise<ScoreMissing | ScoreTooLow | null> {
  for (const requirement of await new RequirementRepository(em).list(graph.tenant, graph.name)) {
    const mean = await scoreOf(em, graph, requirement);
    if (mean === null) return new ScoreMissing(graph.name, graph.version, requirement);
    if (mean < requirement.atLeast) return new ScoreTooLow(graph.name, graph.version, requirement, mean);
  }
  return null;
}

async function scoreOf(
  em: SqlEntityManager,
  graph: Candidate,
  { eval: name, scorer, definitionHash }: GraphRequirement,
) {
  if (graph.id === null) return null;
  const evals = new EvalRepository(em);
  const run = await evals.newestCompleted({ tenantId: graph.tenant, name, graphId: graph.id, definitionHash });
  if (run === null) return null;
  const scores = await evals.scores(graph.tenant, [run.id]);
  return meanOf(
    scores.map((score) => ({ ...score, reason: null })),
    scorer,
    run.definition.cases.length,
  );
}
