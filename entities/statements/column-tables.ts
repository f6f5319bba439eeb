import type { InferClassEntityDB } from '@mikro-orm/sql';
import type { Json, JsonObject } from '../../domain/json.ts';
import type * as all from '../index.ts';

type Known<Row> = { [Column in keyof Row]: Exclude<Row[Column], undefined> };
type Of<Entity> = Known<InferClassEntityDB<Entity>[keyof InferClassEntityDB<Entity>]>;

/**
 * The tables by the names that they and their columns have in the database, for statements that are compiled once and
 * whose rows the mapper does not convert: moments are PostgreSQL's text, which `readDate` reads.
 */
export interface ColumnTables {
  agent_runs: Of<typeof all.AgentRun> & { losses: JsonObject; output: Json | null };
  agent_traces: Of<typeof all.AgentTrace> & { error: JsonObject | null };
  tasks: Of<typeof all.Task> & { error: Json | null; output: Json | null };
  concurrency_slots: Of<typeof all.ConcurrencySlot>;
}
