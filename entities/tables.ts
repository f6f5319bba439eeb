import type { Opt } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Generated, Kysely } from 'kysely';
import type { ENTITIES } from './index.ts';
import { PropertyNames } from './property-names.ts';

/** A table by the properties of its entity, of which those with a default may be left out of an insert. */
type TableOf<Name extends keyof typeof ENTITIES> = ColumnsOf<InstanceType<(typeof ENTITIES)[Name]>>;
type ColumnsOf<Entity> = {
  [Name in keyof Entity as Name extends string ? Name : never]-?: ColumnOf<Exclude<Entity[Name], undefined>>;
};
type ColumnOf<Value> = [NonNullable<Value>] extends [Opt<infer Given>]
  ? Generated<Given | Extract<Value, null>>
  : Value;

/** The tables by the names that they have in the database, and their columns by the properties of their entities. */
export interface Tables {
  tenants: TableOf<'Tenant'>;
  system_config: TableOf<'SystemConfig'>;
  agents: TableOf<'Agent'>;
  agent_heartbeats: TableOf<'AgentHeartbeat'>;
  agent_leases: TableOf<'AgentLease'>;
  agent_graphs: TableOf<'AgentGraph'>;
  agent_components: TableOf<'AgentComponent'>;
  component_connections: TableOf<'ComponentConnection'>;
  component_templates: TableOf<'ComponentTemplate'>;
  agent_templates: TableOf<'AgentTemplate'>;
  tasks: TableOf<'Task'>;
  task_dependencies: TableOf<'TaskDependency'>;
  task_forks: TableOf<'TaskFork'>;
  concurrency_slots: TableOf<'ConcurrencySlot'>;
  artifacts: TableOf<'Artifact'>;
  agent_traces: TableOf<'AgentTrace'>;
  agent_runs: TableOf<'AgentRun'>;
  trace_events: TableOf<'TraceEvent'>;
  agent_messages: TableOf<'AgentMessage'>;
  activity_effects: TableOf<'ActivityEffect'>;
  outbox: TableOf<'OutboxEntry'>;
  audit_log: TableOf<'AuditEntry'>;
  operation_keys: TableOf<'OperationKey'>;
  provider_keys: TableOf<'ProviderKey'>;
  retention_policies: TableOf<'RetentionPolicy'>;
  grants: TableOf<'Grant'>;
  tool_policies: TableOf<'ToolPolicyRow'>;
  grant_uses: TableOf<'GrantUse'>;
  offered_tools: TableOf<'OfferedToolRow'>;
  tool_sources: TableOf<'ToolSourceRow'>;
  approvals: TableOf<'Approval'>;
  budgets: TableOf<'Budget'>;
  budget_reservations: TableOf<'BudgetReservation'>;
  model_calls: TableOf<'ModelCall'>;
  tool_calls: TableOf<'ToolCall'>;
  canaries: TableOf<'CanaryRow'>;
  eval_runs: TableOf<'EvalRun'>;
  eval_scores: TableOf<'EvalScore'>;
  graph_requirements: TableOf<'GraphRequirement'>;
  conversations: TableOf<'Conversation'>;
  conversation_turns: TableOf<'ConversationTurn'>;
  run_waits: TableOf<'RunWait'>;
  task_messages: TableOf<'TaskMessage'>;
}

const plugins = new WeakMap<object, PropertyNames>();

/**
 * MikroORM's kysely, in the transaction of the unit of work: for statements that decide and write at once, and for reads
 * of many rows. It binds its values, so PostgreSQL plans a text once a connection; the entity manager does not.
 *
 * Columns have the names of properties, and so have aliases and the columns of table expressions. What is read under the
 * name of a column is converted as that column is; an expression of another name stays as the driver returns it, which is
 * text for big numbers, counts among them.
 */
export function tables(em: SqlEntityManager): Kysely<Tables> {
  return em.getKysely<Tables>().withPlugin(propertyNames(em));
}

/** What gives columns their names in {@link tables}, and rows theirs. */
export function propertyNames(em: SqlEntityManager): PropertyNames {
  const entities = em.getMetadata();
  const plugin = plugins.get(entities) ?? new PropertyNames(entities);
  plugins.set(entities, plugin);
  return plugin;
}
