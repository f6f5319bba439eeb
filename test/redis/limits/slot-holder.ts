import { GuardedRedis } from '../../../redis/limits/guarded-redis.ts';
import { ProcessSlots } from '../../../redis/limits/process-slots.ts';
import { openRedis } from '../../../redis/open-redis.ts';

/** A process that takes a slot of each key, says so, and renews them until it is killed. */
const [url = '', prefix = '', ...keys] = process.argv.slice(2);
const log = { info: () => undefined, warn: () => undefined };
const redis = await openRedis({ url, prefix, commandTimeoutMs: 10_000, log });
const slots = new ProcessSlots(new GuardedRedis(redis, { timeoutMs: 10_000 }), { tenant: 't', liveProcesses: () => 1 });
const held = await Promise.all(keys.map((key) => slots.acquire(key, { limit: 1, leaseMs: 1_500 })));
if (held.some(({ acquired }) => !acquired)) throw new Error('A slot was not free.');
setInterval(() => {
  for (const answer of held) if (answer.acquired) void slots.renew(answer.slot);
}, 500);
process.send?.('held');
