import type { Opt } from '@mikro-orm/core';
import type { InferKyselyDB, SqlEntityManager } from '@mikro-orm/postgresql';
import type { Generated, Kysely } from 'kysely';
import type * as entities from './index.ts';
import { PropertyNames } from './property-names.ts';

/** A table by the properties of its entity, of which those with a default may be left out of an insert. */
type TableOf<Entity> = {
  [Name in keyof Entity as Name extends string ? Name : never]-?: ColumnOf<Exclude<Entity[Name], undefined>>;
};
type ColumnOf<Value> = [NonNullable<Value>] extends [Opt<infer Given>]
  ? Generated<Given | Extract<Value, null>>
  : Value;

/** The tables by the names that they have in the database, and their columns by the properties of their entities. */
export interface Tables {
  tenants: TableOf<entities.Tenant>;
  system_config: TableOf<entities.SystemConfig>;
  agents: TableOf<entities.Agent>;
  agent_heartbeats: TableOf<entities.AgentHeartbeat>;
  agent_leases: TableOf<entities.AgentLease>;
  agent_graphs: TableOf<entities.AgentGraph>;
  agent_components: TableOf<entities.AgentComponent>;
  component_connections: TableOf<entities.ComponentConnection>;
  tasks: TableOf<entities.Task>;
  task_dependencies: TableOf<entities.TaskDependency>;
  concurrency_slots: TableOf<entities.ConcurrencySlot>;
  artifacts: TableOf<entities.Artifact>;
  agent_traces: TableOf<entities.AgentTrace>;
  agent_runs: TableOf<entities.AgentRun>;
  trace_events: TableOf<entities.TraceEvent>;
  agent_messages: TableOf<entities.AgentMessage>;
  activity_effects: TableOf<entities.ActivityEffect>;
  outbox: TableOf<entities.OutboxEntry>;
  audit_log: TableOf<entities.AuditEntry>;
  retention_policies: TableOf<entities.RetentionPolicy>;
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
  const entities = em.getMetadata();
  const plugin = plugins.get(entities) ?? new PropertyNames(entities);
  plugins.set(entities, plugin);
  return em.getKysely<Tables>().withPlugin(plugin);
}

/** The tables as hand-written SQL sees them: names and columns in snake case. */
export type MusterTables = InferKyselyDB<(typeof entities.ENTITIES)[number]>;
