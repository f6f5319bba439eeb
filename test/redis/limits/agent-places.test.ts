import assert from 'node:assert/strict';
import type { AgentPlaceAnswer, PlaceWaiter } from '../../../domain/limits/handler-limits.ts';
import { AgentPlaces } from '../../../redis/limits/agent-places.ts';
import { GuardedRedis } from '../../../redis/limits/guarded-redis.ts';
import { ProcessSlots } from '../../../redis/limits/process-slots.ts';
import type { RedisConnections } from '../../../redis/open-redis.ts';
import { eventually } from '../../support/eventually.ts';
import { redisPrefix } from '../../support/stack.ts';
import { openTestRedis, SILENT_LOG, settings } from '../redis-under-test.ts';

describe('the places of an agent', () => {
  let redis: RedisConnections;
  let places: AgentPlaces;
  let release: () => void;

  beforeEach(async () => {
    redis = await openTestRedis({ prefix: redisPrefix('places') });
    const slots = new ProcessSlots(new GuardedRedis(redis, { timeoutMs: 10_000 }), {
      tenant: 't',
      liveProcesses: () => 1,
    });
    places = new AgentPlaces({ slots, settings: async () => settings({ limits: { 'agent:a': 1 } }), log: SILENT_LOG });
    release = await taken('holder');
  });
  afterEach(async () => {
    release();
    await redis.close();
  });

  const ask = (id: string, more: Partial<PlaceWaiter> = {}): Promise<AgentPlaceAnswer> =>
    places.take('a', { id, band: 'normal', waitedMs: 0, stay: null, ...more });
  const waits = async (id: string, more: Partial<PlaceWaiter> = {}): Promise<void> =>
    assert.equal((await ask(id, more)).taken, false, `${id} has to wait`);
  async function taken(id: string, more: Partial<PlaceWaiter> = {}): Promise<() => void> {
    const answer = await ask(id, more);
    assert.ok(answer.taken, `${id} has a place`);
    return answer.release;
  }
  async function free(): Promise<void> {
    release();
    const { holders } = redis.keys.limits('t').slots('agent:a');
    await eventually(async () => (await redis.ask((commands) => commands.zcard(holders))) === 0);
  }
  /** Makes the time pass for which a waiter stands in line without asking again. */
  const lose = async (id: string): Promise<void> => {
    const { until } = redis.keys.limits('t').slots('agent:a');
    await redis.ask((commands) => commands.zadd(until, 'XX', 1, id));
  };

  it('are taken in the order in which equals came, and not by one that comes when a place is free', async () => {
    await waits('first');
    await waits('second');
    await free();

    await waits('newcomer');
    await waits('second');
    release = await taken('first');
    await waits('second');
    await free();
    await waits('newcomer');
    release = await taken('second');
    await free();
    release = await taken('newcomer');
  });

  it('go to higher bands first, which do not overtake who waits for longer than the ageing lasts', async () => {
    await waits('low', { band: 'low' });
    await waits('normal');
    await waits('high', { band: 'high' });
    await waits('old', { band: 'low', waitedMs: 61_000 });
    const order = ['old', 'high', 'normal', 'low'];
    for (const [index, id] of order.entries()) {
      await free();
      for (const other of order.slice(index + 1).reverse()) await waits(other);
      release = await taken(id);
    }
  });

  it('are not held up by a waiter that died, and one that was only late keeps what it has waited', async () => {
    await waits('dead');
    await waits('late');
    await waits('next');
    await free();
    await waits('next');

    await lose('dead');
    await lose('late');
    release = await taken('late', { waitedMs: 10_000 });
    await free();
    release = await taken('next');
  });

  it('are taken at once by the first in line, which stays for a moment', async () => {
    const stay = new AbortController();
    const first = ask('first', { stay: stay.signal });
    await free();
    const answer = await first;
    assert.ok(answer.taken);
    release = answer.release;

    const second = ask('second', { stay: stay.signal });
    stay.abort();
    await assert.rejects(second, { name: 'AbortError' });
    const left = await ask('third', { stay: new AbortController().signal });
    assert.ok(!left.taken && left.waitedMs >= 1_000 && left.retryAfterMs < 1_000);
  });
});
