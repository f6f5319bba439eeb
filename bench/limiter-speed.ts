import { DEFAULT_TIERS } from '../domain/limits/default-limits.ts';
import type { LimitSettings } from '../domain/limits/limit-settings.ts';
import { gcra } from '../domain/limits/rate-limit.ts';
import { RateLimiter } from '../redis/limits/rate-limiter.ts';
import { openRedis } from '../redis/open-redis.ts';
import type { MusterUnderTest } from '../test/support/muster.ts';
import { MANY_KEYS, WIDE } from './limits.ts';
import { type Contestant, rateOf } from './measure.ts';
import { startPeer } from './peer-process.ts';
import type { Finding } from './report.ts';
import { ownRival, type Rival } from './rival.ts';
import { mediansInTurns } from './rounds.ts';

const CHECKS = { runs: 80_000, inFlight: 64 };
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
  const flexible = await startPeer('flexible-limiter.ts', url);
  const theirs = (work: string) => flexible.rival(work, { name: 'rate-limiter-flexible', databaseUrl: null });
  try {
    const ours: Take = async (user) => (await limiter.take({ tenant: 'bench', user, endpoint: 'wide' })).allowed;
    const exact: Take = async (user) => (await limiter.take({ tenant: 'bench', user, endpoint: 'narrow' })).allowed;
    return [
      ...(await compare(checks(ours, 1), theirs('oneKey'), 'one key')),
      ...(await compare(checks(ours, MANY_KEYS), theirs('manyKeys'), `${MANY_KEYS} keys`)),
      {
        name: `limiter, allowed too many or too few of ${NARROW.limit}`,
        value: await fault(exact),
        goal: { atMost: 0 },
      },
      { name: 'limiter, decisions without Redis', value: limiter.counters.localShare, goal: { atMost: 0 } },
    ];
  } finally {
    await flexible.close();
    await redis.close();
  }
}

const SETTINGS: LimitSettings = {
  limits: { 'endpoint:wide': gcra(WIDE), 'endpoint:narrow': gcra(NARROW) },
  tiers: DEFAULT_TIERS,
  tenantTiers: {},
  userTiers: {},
};

async function compare(ours: Contestant, theirs: Rival, keys: string): Promise<Finding[]> {
  const rivals = [ownRival(ours, null), theirs];
  for (const rival of rivals) await rival.rate(CHECKS);
  const medians = await mediansInTurns(rivals, (rival) => rival.rate(CHECKS));
  const [rate = Number.NaN, theirRate = Number.NaN] = medians.values();
  const what = `${keys}, ${CHECKS.inFlight} in flight`;
  return [
    { name: `limiter, ${what}, checks/s`, value: rate, goal: { atLeast: 15_000 } },
    { name: `${theirs.name}, ${what}, checks/s`, value: theirRate },
    { name: `limiter against rate-limiter-flexible, ${what}`, value: rate / theirRate, goal: { atLeast: 1 } },
  ];
}

function checks(take: Take, keys: number): Contestant {
  let next = 0;
  const once = async (): Promise<void> => {
    next = (next + 1) % keys;
    if (!(await take(`user-${next}`))) throw new Error('Muster refused what is within the limit.');
  };
  return { name: 'Muster', once };
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
