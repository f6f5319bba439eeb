import { type Expression, expressionBuilder, sql } from 'kysely';
import {
  AGENT_MOVES,
  type AgentEvent,
  type AgentStatus,
  LIVING_AGENT_STATUSES,
} from '../../domain/agents/agent-status.ts';
import { momentText, now } from '../common-expressions.ts';
import type { Tables } from '../tables.ts';

const eb = expressionBuilder<Tables, 'agents'>();

/** Where the domain's table of moves leads from a status; null where it leads nowhere. */
export function moveOf(moves: object, ...path: readonly Expression<string>[]) {
  return eb.fn<AgentStatus | null>('jsonb_extract_path_text', [
    eb.cast(eb.val(JSON.stringify(moves)), 'jsonb'),
    ...path,
  ]);
}

/** The status of a row of `agents` after an event: the same table as in the program. */
export function nextStatus(event: AgentEvent) {
  const status = eb.ref('agents.status');
  return eb.fn.coalesce(moveOf(AGENT_MOVES[event], status), status);
}

/** The statuses of agents that count as alive. */
export const LIVING = LIVING_AGENT_STATUSES.map((status) => sql.lit(status));

/** A row for each value: one parameter, however many there are. */
export function listed<Value>(values: readonly string[], type: 'uuid' | 'text') {
  return eb.fn<Value>('unnest', [eb.cast(eb.val([...values]), sql.raw(`${type}[]`))]);
}

/** How long ago it was by the database's clock, in seconds, or how long before another moment. */
export function secondsSince(at: Expression<Date | null>, until: Expression<Date> = now()) {
  return eb.fn<number | null>('date_part', [sql.lit('epoch'), eb(until, '-', at)]);
}

/** The database's time at this moment, as messages carry it. */
export function databaseMoment() {
  return momentText(eb.fn<Date>('clock_timestamp'));
}
