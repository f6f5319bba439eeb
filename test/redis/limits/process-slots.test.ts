import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { GuardedRedis } from '../../../redis/limits/guarded-redis.ts';
import { type ProcessSlot, type ProcessSlotAnswer, ProcessSlots } from '../../../redis/limits/process-slots.ts';
import type { RedisConnections } from '../../../redis/open-redis.ts';
import { eventually } from '../../support/eventually.ts';
import { redisPrefix, sharedStack } from '../../support/stack.ts';
import { openTestRedis } from '../redis-under-test.ts';
import { limitKeys } from './limiter-under-test.ts';

/** Processes killed, each with five slots. */
const DEATHS = process.env.MUSTER_FAULTS === 'large' ? 20 : 2;

const HOLDER = fileURLToPath(new URL('./slot-holder.ts', import.meta.url));

describe('process slots', function () {
  this.timeout(60_000);
  let redis: RedisConnections;
  let prefix: string;
  beforeEach(async () => {
    prefix = redisPrefix('slots');
    redis = await openTestRedis({ prefix });
  });
  afterEach(() => redis.close());

  const open = (connection = redis): ProcessSlots =>
    new ProcessSlots(new GuardedRedis(connection, { timeoutMs: 10_000 }), { tenant: 't', liveProcesses: () => 1 });
  const held = (answer: ProcessSlotAnswer): ProcessSlot => {
    assert.ok(answer.acquired, 'expected a free slot');
    return answer.slot;
  };

  it('are held by no more than their number, of 40 who want one over four connections', async () => {
    const others = await Promise.all(Array.from({ length: 4 }, () => openTestRedis({ prefix })));
    const wanted = others.flatMap((connection) => Array.from({ length: 10 }, () => open(connection)));

    const answers = await Promise.all(wanted.map((slots) => slots.acquire('model', { limit: 7 })));

    assert.equal(answers.filter(({ acquired }) => acquired).length, 7);
    const fences = answers.flatMap((answer) => (answer.acquired ? [answer.slot.fence] : []));
    assert.equal(new Set(fences).size, 7);
    await Promise.all(others.map((connection) => connection.close()));
  });

  it('are free again when they are given back, once, and other keys are not touched', async () => {
    const slots = open();
    const first = held(await slots.acquire('a', { limit: 1 }));
    held(await slots.acquire('b', { limit: 1 }));
    const refused = await slots.acquire('a', { limit: 1, leaseMs: 1_000 });

    await slots.release(first);
    await slots.release(first);

    assert.ok(!refused.acquired && refused.retryAfterMs > 9_000 && refused.retryAfterMs <= 10_000);
    held(await slots.acquire('a', { limit: 1 }));
    assert.equal((await slots.acquire('a', { limit: 1 })).acquired, false);
    assert.equal((await slots.acquire('b', { limit: 1 })).acquired, false);
  });

  it('stay held while they are renewed, and are lost after their deadline', async () => {
    const slots = open();
    const kept = held(await slots.acquire('kept', { limit: 1, leaseMs: 10_000 }));
    const left = held(await slots.acquire('left', { limit: 1, leaseMs: 10 }));
    assert.equal(await slots.renew(kept), true);

    const next = await eventually(async () => held(await slots.acquire('left', { limit: 1 })));

    assert.equal(await slots.renew(left), false);
    assert.equal(await slots.renew(kept), true);
    assert.ok((next.fence ?? 0) > (left.fence ?? 0));
    await slots.release(left);
    assert.equal((await slots.acquire('left', { limit: 1 })).acquired, false, 'a late release frees nobody else');
  });

  it('have a fence that grows forever, even after Redis was emptied', async () => {
    const slots = open();
    const fences: number[] = [];
    for (let round = 0; round < 60; round += 1) {
      const slot = held(await slots.acquire('fenced', { limit: 1_000 }));
      fences.push(slot.fence ?? 0);
      if (round % 20 !== 19) continue;
      const keys = await limitKeys(redis, 't');
      await redis.ask((commands) => commands.del(...keys));
      assert.equal(await slots.renew(slot), false);
    }

    assert.deepEqual(
      fences,
      [...new Set(fences)].sort((a, b) => a - b),
    );
    assert.equal(fences.length, 60);
  });

  it('G5: a process that is killed while it holds a slot gives it back at its deadline', async () => {
    const { redisUrl } = await sharedStack();
    const slots = open();
    for (let round = 0; round < DEATHS; round += 1) {
      const keys = Array.from({ length: 5 }, (_, index) => `crash-${round}-${index}`);
      const child = fork(HOLDER, [redisUrl, prefix, ...keys], {
        execArgv: ['--disable-warning=ExperimentalWarning'],
        stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
      });
      await once(child, 'message');
      for (const key of keys) assert.equal((await slots.acquire(key, { limit: 1 })).acquired, false);
      child.kill('SIGKILL');
      await once(child, 'exit');

      const killed = performance.now();
      for (const key of keys) {
        await eventually(async () => (await slots.acquire(key, { limit: 1 })).acquired, { withinMs: 30_000 });
      }
      assert.ok(performance.now() - killed < 30_000);
    }
  });

  it('cannot be leased for longer than a crash may cost', async () => {
    await assert.rejects(open().acquire('long', { limit: 1, leaseMs: 30_001 }), /30000/);
    await assert.rejects(open().acquire('none', { limit: 0 }), /limit/);
  });
});
