import { defineEntity, p } from '@mikro-orm/core';
import { EVAL_STATES, type EvalSet } from '../../domain/evals/evaluation.ts';
import type { GraphId, TenantId } from '../../domain/ids.ts';
import { createdAt, keyOf, moment, plainTenantId } from '../columns.ts';
import { AgentGraph } from '../graphs/agent-graph.ts';

const schema = defineEntity({
  name: 'EvalRun',
  tableName: 'eval_runs',
  properties: {
    tenantId: plainTenantId().$type<TenantId>(),
    id: p.uuid().primary(),
    /** Of the evaluation set. */
    name: p.text(),
    graphId: () => keyOf(AgentGraph, 'graph_id').$type<GraphId>(),
    graphName: p.text(),
    graphVersion: p.integer(),
    /** The set as it was then. */
    definition: p.json<EvalSet>(),
    definitionHash: p.text(),
    state: p.enum(EVAL_STATES).default('running'),
    createdAt: createdAt(),
    completedAt: moment().nullable(),
  },
  uniques: [
    { name: 'eval_runs_tenant_id_unique', properties: ['tenantId', 'id'] },
    {
      name: 'eval_runs_running_unique',
      properties: ['tenantId', 'graphId', 'name', 'definitionHash'],
      where: "state = 'running'",
    },
  ],
  indexes: [{ name: 'eval_runs_named_index', properties: ['tenantId', 'name', 'graphId', 'completedAt'] }],
  checks: [{ name: 'eval_runs_completed_check', expression: "(state = 'completed') = (completed_at is not null)" }],
});

/** One run of an evaluation set against one version of a graph. */
export class EvalRun extends schema.class {}
schema.setClass(EvalRun);
