import assert from 'node:assert/strict';
import { type ConnectedAgent, connectAgent } from '../../index.ts';
import { eventually } from '../support/eventually.ts';
import { type PrivateStack, startPrivateStack } from '../support/stack.ts';
import { startProxy, type TcpProxy, through } from '../support/tcp-proxy.ts';
import { numbered, PostOffice } from './post-office.ts';

describe('messages while a store is unavailable', () => {
  let stack: PrivateStack;
  let office: PostOffice;
  const agents: ConnectedAgent[] = [];
  let proxy: TcpProxy;

  before(async () => {
    stack = await startPrivateStack({ only: ['postgresql', 'redis'] });
    office = await PostOffice.open('outages', stack);
    proxy = await startProxy({ targetPort: stack.redis.port });
  });
  after(async () => {
    for (const agent of agents) await agent.close();
    await office?.close();
    await proxy?.close();
    await stack?.close();
  });

  const environment = () => ({
    MUSTER_DATABASE_URL: office.clone.databaseUrl,
    MUSTER_REDIS_URL: stack.redisUrl,
    MUSTER_REDIS_PREFIX: office.prefix,
    MUSTER_TENANT: 'acme',
    TEMPORAL_ADDRESS: '127.0.0.1:1',
  });
  const connect = async (name: string, seen: unknown[]): Promise<ConnectedAgent> => {
    const agent = await connectAgent(name, {
      environment: environment(),
      receive: ({ payload }) => {
        seen.push(payload.n);
        return { n: payload.n ?? null };
      },
    });
    agents.push(agent);
    return agent;
  };

  it('B8: arrive by polling, all of them, when every wake-up is lost', async () => {
    const deaf = await office.talker(['deaf'], { redisUrl: through(proxy, stack.redisUrl) });
    proxy.set('blackHole');
    const sender = await office.talker(['sender'], { redisUrl: through(proxy, stack.redisUrl) });
    const arrived = new Set<unknown>();
    await deaf.receive({ deaf: ({ payload }) => void arrived.add(payload.n) });
    const dropped = proxy.dropped;

    for (let n = 0; n < 40; n += 1) {
      await sender.sender.send(sender.as('sender'), { to: 'deaf', payload: numbered(n) });
    }
    const answer = await sender.sender.request(sender.as('sender'), { to: 'deaf', payload: numbered(40) });

    assert.equal(answer, null);
    assert.equal(arrived.size, 41);
    assert.ok(proxy.dropped > dropped, 'hints were sent, and lost');
    proxy.set('pass');
  });

  it('C021: are all there and in order when Redis was restarted and emptied while the agent was unavailable', async () => {
    const ann = await office.talker(['ann']);
    const gone: unknown[] = [];
    const before = await connect('archivist', gone);
    await ann.sender.send(ann.as('ann'), { to: 'archivist', payload: numbered(0) });
    await eventually(() => gone.length === 1);
    await before.close();
    for (const [n, priority] of [
      [1, 4],
      [2, 1],
    ] as const) {
      await ann.sender.send(ann.as('ann'), { to: 'archivist', payload: numbered(n) }, { priority });
    }

    await stack.redis.kill('SIGKILL');
    for (const [n, priority] of [
      [3, 4],
      [4, 2],
    ] as const) {
      await ann.sender.send(ann.as('ann'), { to: 'archivist', payload: numbered(n) }, { priority });
    }
    await stack.redis.start();
    const seen: unknown[] = [];
    await connect('archivist', seen);

    await eventually(() => seen.length === 4);
    assert.deepEqual(seen, [2, 4, 1, 3]);
  });

  it('are taken again by a program of its own after PostgreSQL and Redis were restarted', async () => {
    const seen: unknown[] = [];
    await connect('steady', seen);
    const asker = await connect('asker', []);
    assert.deepEqual(await asker.request('steady', numbered(1)), { n: 1 });

    await stack.postgres.kill('SIGINT');
    await stack.redis.kill('SIGKILL');
    await stack.postgres.start();
    await stack.redis.start();

    assert.deepEqual(await asker.request('steady', numbered(2)), { n: 2 });
    const agent = await office.sql<{ status: string }>(`select status from muster.agents where name = 'steady'`);
    assert.equal(agent[0]?.status, 'active');
  });
});
