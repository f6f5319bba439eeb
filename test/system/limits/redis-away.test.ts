import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineAgent, defineGraph } from '../../../index.ts';
import { eventually } from '../../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { sharedStack } from '../../support/stack.ts';
import { startProxy, type TcpProxy, through } from '../../support/tcp-proxy.ts';
import { ended } from '../acceptance/views.ts';

describe('C084: jobs with Redis stopped', function () {
  this.timeout(90_000);
  const asked: { readonly endpoint: string; readonly source: string }[] = [];
  let muster: MusterUnderTest;
  let proxy: TcpProxy;

  const asker = defineAgent({
    name: 'endpoint-asker',
    input: z.object({ endpoint: z.string() }),
    output: z.object({ source: z.string() }),
    handle: async ({ endpoint }, { limits }) => {
      const { source } = await limits.take({ endpoint, user: 'ada' }).catch((error: unknown) => {
        asked.push({ endpoint, source: 'refused' });
        throw error;
      });
      asked.push({ endpoint, source });
      return { source };
    },
  });
  const graph = defineGraph({
    name: 'endpoint-asker',
    input: z.object({ endpoint: z.string() }),
    nodes: { ask: { agent: asker, input: { endpoint: '/task/endpoint' }, budget: { maxRetries: 0 } } },
    output: '/nodes/ask',
  });

  before(async () => {
    const { redisUrl } = await sharedStack();
    proxy = await startProxy({ targetPort: Number(new URL(redisUrl).port) });
    muster = await openMuster('redis away', { environment: { MUSTER_REDIS_URL: through(proxy, redisUrl) } });
    await muster.work({ graphs: [graph] });
    proxy.set('refuse');
    proxy.closeAll();
  });
  after(async () => {
    await muster?.close();
    await proxy?.close();
  });

  it('are accepted and run, a chat is allowed, and what is economy waits without failing until Redis is back', async () => {
    const waiting = await muster.client.submit('endpoint-asker', { endpoint: 'economy' });
    const chat = await muster.client.submit('endpoint-asker', { endpoint: 'reply' });

    assert.deepEqual((await chat.result()).output, { source: 'local' });
    await eventually(() => asked.some(({ endpoint }) => endpoint === 'economy'), { withinMs: 30_000 });
    assert.ok(asked.filter(({ endpoint }) => endpoint === 'economy').every(({ source }) => source === 'refused'));
    proxy.set('pass');

    const view = await ended(waiting);

    assert.equal(view.task.status, 'completed');
    assert.deepEqual((await waiting.result()).output, { source: 'redis' });
  });
});
