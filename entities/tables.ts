import type { Opt } from '@mikro-orm/core';
import type { InferKyselyDB, SqlEntityManager } from '@mikro-orm/postgresql';
import type { Generated, Kysely } from 'kysely';
import type * as entities from './index.ts';

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

/**
 * MikroORM's typed kysely, in the transaction of the unit of work: for statements that decide and write at once, and for
 * reads of many rows. It binds its values, so PostgreSQL plans a text once a connection; the entity manager does not.
 *
 * It knows a column by the table that its text names, so: do not alias the table of an update or a delete; let a table
 * expression that writes return its columns by their own names, and read it by `selectAll`, or by aliases of yours; give
 * an expression the name of a property and it is converted like that property, any other name leaves it as the driver
 * returns it (text for moments and big numbers).
 */
export function tables(em: SqlEntityManager): Kysely<Tables> {
  return em.getKysely<Tables>({ columnNamingStrategy: 'property', convertValues: true });
}

/** The tables as hand-written SQL sees them: names and columns in snake case. */
export type MusterTables = InferKyselyDB<(typeof entities.ENTITIES)[number]>;
