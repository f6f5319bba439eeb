import { type RawBuilder, sql } from 'kysely';
import type { JsonObject } from '../../../domain/json.ts';
import type { QueueSettings } from '../../../domain/queues/queue-settings.ts';
import { bandOfPriority, PRIORITY_BANDS, PRIORITY_RANGE, type PriorityBand } from '../../../domain/tasks/priority.ts';
import { givenList, givenValue } from '../../statements/given-values.ts';
import type { Places, Values } from '../../statements/statement.ts';

/** What a statement that follows the settings of the queue is given. */
export const GIVEN_RULES = {
  limits: givenValue<JsonObject>('jsonb'),
  spared: givenValue<JsonObject>('jsonb'),
  heldPriorities: givenList<number>('smallint'),
};

/**
 * The limits as they count now, where a paused key has the limit 0; the limits under which waiting tasks do not count;
 * and the bands that are paused.
 */
export function rulesOf({ limits, whileOccupying, paused }: QueueSettings): Values<typeof GIVEN_RULES> {
  return {
    limits: { ...limits, ...Object.fromEntries(paused.map((target) => [target, 0])) },
    spared: Object.fromEntries(Object.keys(limits).map((name) => [name, whileOccupying.includes(name)])),
    heldPriorities: PRIORITIES.filter((priority) => paused.includes(`band:${bandOfPriority(priority)}`)),
  };
}

type Rules = Places<typeof GIVEN_RULES>;

/** The common table expression `settings`, into which the conditions below look. */
export function settingsTable({ limits, spared }: Rules): RawBuilder<{ limits: JsonObject }> {
  return sql`(select ${limits} as limits, ${spared} as spared)`;
}

/**
 * The common table expression `full_keys`: the keys without a free slot. PostgreSQL computes it only where a statement
 * meets a limited key.
 */
export const FULL_KEYS: RawBuilder<{ key: string }> = sql`(
  select s.key from muster.concurrency_slots s group by s.key having count(*) >= ${limitOf(sql`s.key`)}
)`;

/** Both, for the `with` of a statement. */
export function ruleTables(rules: Rules): RawBuilder<unknown> {
  return sql`settings as materialized ${settingsTable(rules)}, full_keys as materialized ${FULL_KEYS}`;
}

/** How many tasks with this key may be open, as `limitOfKey` says; SQL null without a limit. */
export function limitOf(key: RawBuilder<unknown>): RawBuilder<number> {
  return sql<number>`coalesce((select limits from settings) ->> ${key},
    (select limits from settings) ->> (split_part(${key}, ':', 1) || ':*'))::int`;
}

/** Whether a task holds no slot of this key while it waits, as `spanOfKey` says. */
export function sparesWaiting(key: RawBuilder<unknown>): RawBuilder<boolean> {
  return sql<boolean>`coalesce((select spared from settings) ->> ${key},
    (select spared from settings) ->> (split_part(${key}, ':', 1) || ':*'), 'false')::boolean`;
}

/**
 * Whether every handler of a task's graph is hosted, by agent_components_graph_node_unique. The offset keeps it a look-up
 * for each task: as a join, it would be done for all that wait before the first is known.
 */
export function isHosted(task: 't' | 'e', handlers: RawBuilder<readonly string[]>): RawBuilder<boolean> {
  return sql<boolean>`not exists (select from muster.agent_components c where c.graph_id = ${sql.ref(task)}.graph_id
    and c.handler is not null and c.component_type || ':' || c.handler <> all (${handlers}) offset 0)`;
}

/** Whether a task's band is not paused. */
export function bandRuns(task: 't' | 'e', { heldPriorities }: Rules): RawBuilder<boolean> {
  return sql<boolean>`${sql.ref(task)}.priority <> all (${heldPriorities})`;
}

/** Whether a task waits in this band. */
export function isInBand(task: 't' | 'e', band: PriorityBand): RawBuilder<boolean> {
  const own = PRIORITIES.filter((priority) => bandOfPriority(priority) === band);
  return sql<boolean>`${sql.ref(task)}.priority between ${sql.lit(Math.min(...own))} and ${sql.lit(Math.max(...own))}`;
}

/** Whether two tasks wait in the same band. */
export function areInOneBand(): RawBuilder<boolean> {
  const both = PRIORITY_BANDS.map((band) => sql`${isInBand('t', band)} and ${isInBand('e', band)}`);
  return sql<boolean>`(${sql.join(both, sql` or `)})`;
}

/** Whether none of a task's keys is full. */
export function hasRoom(task: 't' | 'e'): RawBuilder<boolean> {
  return sql<boolean>`not exists (select from unnest(${sql.ref(task)}.concurrency_keys) as k(key)
    where ${limitOf(sql`k.key`)} = 0
      or ${limitOf(sql`k.key`)} > 0 and k.key in (select f.key from full_keys f))`;
}

const PRIORITIES = Array.from(
  { length: PRIORITY_RANGE.max - PRIORITY_RANGE.min + 1 },
  (_, index) => PRIORITY_RANGE.min + index,
);
