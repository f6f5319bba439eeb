import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { type PrivateStack, startPrivateStack } from '../../support/stack.ts';
import type { WorkerProcess } from '../../support/worker-process.ts';
import { World } from '../faults/world.ts';
import { Caller } from './caller.ts';
import { newTurn } from './faults.ts';
import { setLimits } from './limits.ts';
import { Links, type Party } from './links.ts';
import type { RunLog } from './run-log.ts';
import { plantSecrets, type Secrets } from './secrets.ts';
import { Workplace } from './workplace.ts';

const GRAPHS = fileURLToPath(new URL('./graphs.ts', import.meta.url));
const PLACES = 3;
/** What the workers log is searched for secrets, so they are to log much. */
const TALKATIVE = { MUSTER_LOG_LEVEL: 'debug' };
const TENANTS = ['default', 'second'] as const;

/** Everything that a nemesis run is let loose on: services of its own, three workers, two tenants, proxies between. */
export class Installation {
  readonly stack: PrivateStack;
  readonly world: World;
  readonly links: Links;
  readonly parties: readonly Party[];
  readonly places: readonly Workplace[];
  readonly callers: readonly Caller[];
  readonly secrets: Secrets;
  readonly log: RunLog;
  /** To Redis past the proxies, for faults. */
  readonly redis: Redis;
  /** Keep two faults from starting one server at the same moment. */
  readonly turns = { postgresql: newTurn(), redis: newTurn(), temporal: newTurn() };

  constructor(parts: Omit<Installation, 'turns' | 'close'>) {
    this.stack = parts.stack;
    this.world = parts.world;
    this.links = parts.links;
    this.parties = parts.parties;
    this.places = parts.places;
    this.callers = parts.callers;
    this.secrets = parts.secrets;
    this.log = parts.log;
    this.redis = parts.redis;
  }

  static async open(log: RunLog): Promise<Installation> {
    const stack = await startPrivateStack();
    try {
      return await fill(stack, log);
    } catch (error) {
      log.over = true;
      await World.closeAll();
      await stack.close();
      throw error;
    }
  }

  async close(): Promise<void> {
    this.log.over = true;
    this.redis.disconnect();
    await Promise.all(this.callers.map((caller) => caller.close()));
    await this.world.close();
    await this.links.close();
    await this.stack.close();
  }
}

async function fill(stack: PrivateStack, log: RunLog): Promise<Installation> {
  const world = await World.open('nemesis', { stack, module: GRAPHS });
  const { muster } = world;
  await setLimits(world, TENANTS);
  const secrets = plantSecrets(muster, stack);
  const parties: Party[] = ['callers', ...Array.from({ length: PLACES }, (_, place) => `place ${place}` as const)];
  const links = await Links.open(stack, parties);
  const environmentFor = (party: Party) => ({
    ...muster.environment,
    ...links.environmentFor(party, { databaseUrl: muster.databaseUrl, redisUrl: stack.redisUrl }),
  });
  const start = (place: number): Promise<WorkerProcess> =>
    world.spawn(undefined, { ...environmentFor(`place ${place}`), ...secrets.environment, ...TALKATIVE });
  const places = Array.from({ length: PLACES }, (_, place) => new Workplace(place, { start: () => start(place), log }));
  const environment = environmentFor('callers');
  const callers = await Promise.all(TENANTS.map((tenant) => Caller.open(tenant, { environment, log })));
  await Promise.all(places.map((place) => place.fill()));
  const redis = redisPastProxies(stack.redisUrl);
  return new Installation({ stack, world, links, parties, places, callers, secrets, log, redis });
}

/** A fault that finds Redis down is over when it is up again, so nothing waits for it. */
function redisPastProxies(url: string): Redis {
  const redis = new Redis(url, { maxRetriesPerRequest: 0, enableOfflineQueue: false, commandTimeout: 1_000 });
  redis.on('error', () => undefined);
  return redis;
}
