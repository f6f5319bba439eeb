import { DEFAULT_TIERS } from '../domain/limits/default-limits.ts';
import type { LimitSettings } from '../domain/limits/limit-settings.ts';
import { gcra } from '../domain/limits/rate-limit.ts';
import { RateLimiter } from '../redis/limits/rate-limiter.ts';
import { openRedis } from '../redis/open-redis.ts';
import type { MusterUnderTest } from '../test/support/muster.ts';
import { type Contestant, rateOf } from './measure.ts';
import { type FlexibleLimiter, openFlexibleLimiter } from './peers/flexible-limiter.ts';
import type { Finding } from './report.ts';
import { mediansInTurns } from './rounds.ts';

const CHECKS = { runs: 80_000, inFlight: 64 };
const MANY_KEYS = 10_000;
/** So wide that nothing is refused while speed is measured. */
const WIDE = { limit: 1_000_000, perSeconds: 60 };
/** So narrow that nothing comes back while exactness is measured. */
const NARROW = { limit: 1_000, perSeconds: 86_400 };
const TRIES = 5_000;
const silent = { info: () => {}, warn: () => {} };

/** Something that answers whether one more call under a key is allowed. */
type Take = (key: string) => Promise<boolean>;

/** Checks a second against rate-limiter-flexible, and whether exactly as many are allowed as the limit says. */
export async function measureLimiter(muster: MusterUnderTest): Promise<Finding[]> {
  const url = muster.environment.MUSTER_REDIS_URL ?? '';
  const redis = await openRedis({ url, prefix: muster.environment.MUSTER_REDIS_PREFIX ?? '', log: silent });
  const limiter = new RateLimiter({ redis, settings: () => SETTINGS, liveProcesses: () => 1 });
  const peers: FlexibleLimiter[] = [];
  const peer = async (rule: typeof WIDE): Promise<Take> => {
    const opened = await openFlexibleLimiter({ redisUrl: url, prefix: `flexible-${peers.length}`, ...rule });
    peers.push(opened);
    return opened.take;
  };
  try {
    const ours: Take = async (user) => (await limiter.take({ tenant: 'bench', user, endpoint: 'wide' })).allowed;
    const exact: Take = async (user) => (await limiter.take({ tenant: 'bench', user, endpoint: 'narrow' })).allowed;
    const theirs = await peer(WIDE);
    return [
      ...(await compare({ ours, theirs, keys: 1 })),
      ...(await compare({ ours, theirs, keys: MANY_KEYS })),
      {
        name: `limiter, allowed too many or too few of ${NARROW.limit}`,
        value: await fault(exact),
        goal: { atMost: 0 },
      },
      { name: 'rate-limiter-flexible, the same', value: await fault(await peer(NARROW)) },
      { name: 'limiter, decisions without Redis', value: limiter.counters.localShare, goal: { atMost: 0 } },
    ];
  } finally {
    await Promise.all(peers.map((opened) => opened.close()));
    await redis.close();
  }
}

const SETTINGS: LimitSettings = {
  limits: { 'endpoint:wide': gcra(WIDE), 'endpoint:narrow': gcra(NARROW) },
  tiers: DEFAULT_TIERS,
  tenantTiers: {},
  userTiers: {},
};

async function compare({ ours, theirs, keys }: { ours: Take; theirs: Take; keys: number }): Promise<Finding[]> {
  const rivals = [checks('Muster', ours, keys), checks('rate-limiter-flexible', theirs, keys)];
  for (const rival of rivals) await rateOf(rival, CHECKS);
  const medians = await mediansInTurns(rivals, (rival) => rateOf(rival, CHECKS));
  const [rate = Number.NaN, theirRate = Number.NaN] = medians.values();
  const what = `${keys === 1 ? 'one key' : `${keys} keys`}, ${CHECKS.inFlight} in flight`;
  return [
    { name: `limiter, ${what}, checks/s`, value: rate, goal: { atLeast: 15_000 } },
    { name: `rate-limiter-flexible, ${what}, checks/s`, value: theirRate },
    { name: `limiter against rate-limiter-flexible, ${what}`, value: rate / theirRate, goal: { atLeast: 1 } },
  ];
}

function checks(name: string, take: Take, keys: number): Contestant {
  let next = 0;
  const once = async (): Promise<void> => {
    next = (next + 1) % keys;
    if (!(await take(`user-${next}`))) throw new Error(`${name} refused what is within the limit.`);
  };
  return { name, once };
}

/** By how much what many calls at once were allowed differs from what one narrow limit says. */
async function fault(take: Take): Promise<number> {
  let allowed = 0;
  const once = async (): Promise<void> => {
    if (await take('exact')) allowed += 1;
  };
  await rateOf({ name: 'exactness', once }, { runs: TRIES, inFlight: CHECKS.inFlight });
  return Math.abs(allowed - NARROW.limit);
}
