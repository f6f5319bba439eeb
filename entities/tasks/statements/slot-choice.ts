import { type RawBuilder, sql } from 'kysely';
import type { TaskId } from '../../../domain/ids.ts';
import { limitOf } from './claim-rules.ts';

/** Free slots that a claim considers beyond those it needs: the more, the rarer two claims at once meet in one. */
const SPARE_SLOTS = { perTask: 8, always: 64 };

/*
 * The tables of a claim that give its `candidates` places in line for the slots of their limited keys. Tasks with a full
 * key stand in no line.
 *
 * Why a limit stays exact: a key with `most` slots of which `held` are held gives out only its `most - held` lowest free
 * ones. So whatever claims do at once, they share that many numbers, and the primary key gives each to one. It holds
 * for slots above a limit that was lowered too, which count as held and are not given out again.
 */

/** `needs`: which limited keys each candidate has. */
export const NEEDS: RawBuilder<{ id: TaskId }> = sql`(
  select c.id, c.priority, c.created_at, k.key, ${limitOf(sql`k.key`)} as most
  from candidates c cross join unnest(c.concurrency_keys) as k(key) where ${limitOf(sql`k.key`)} is not null
)`;

/** `keys`: the lowest free slots of each key, as many as there is room for at most, and a random one to begin with. */
export const KEYS: RawBuilder<{ key: string }> = sql`(
  select h.key, free.slots, floor(random() * cardinality(free.slots))::int as first
  from (
    select n.key, n.most, count(*)::int as wanted,
      (select count(*)::int from muster.concurrency_slots s where s.key = n.key) as held
    from needs n group by n.key, n.most
  ) h cross join lateral (
    select array(
      select g.slot
      from generate_series(1,
        least(h.most, h.held + ${sql.lit(SPARE_SLOTS.perTask)} * h.wanted + ${sql.lit(SPARE_SLOTS.always)})) as g(slot)
      where not exists (select from muster.concurrency_slots s where s.key = h.key and s.slot = g.slot)
      order by g.slot limit greatest(0, h.most - h.held)
    ) as slots offset 0
  ) free
)`;

/** `fitted`: each need with its `place` among those of the same key; it `fits` when its task has a slot in every key. */
export const FITTED: RawBuilder<{ id: TaskId; fits: boolean }> = sql`(
  with lines as (
    select n.*, k.slots, k.first, bool_and(cardinality(k.slots) > 0) over (partition by n.id) as has_room
    from needs n join keys k on k.key = n.key
  ), places as (
    select l.*, (row_number() over (partition by l.key order by l.priority, l.created_at, l.id))::int - 1 as place
    from lines l where l.has_room
  )
  select p.*, bool_and(p.place < cardinality(p.slots)) over (partition by p.id) as fits from places p
)`;
