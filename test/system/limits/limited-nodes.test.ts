import assert from 'node:assert/strict';
import { z } from 'zod';
import { gcra, slidingLog } from '../../../domain/limits/rate-limit.ts';
import { defineAgent, defineGraph, type HandlerContext } from '../../../index.ts';
import { withPostgresql } from '../../../servers/probe/probes.ts';
import { eventually } from '../../support/eventually.ts';
import { setLimits } from '../../support/limits.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { ended } from '../acceptance/views.ts';

interface Call {
  readonly attempt: number;
  readonly at: number;
  readonly went: boolean;
}

describe('a node that is limited', function () {
  this.timeout(60_000);
  const calls: Call[] = [];
  let muster: MusterUnderTest;

  const ask = async (context: HandlerContext, provider: string): Promise<{ done: boolean }> => {
    const { attempt } = context;
    const at = performance.now();
    try {
      await context.limits.take({ provider });
      calls.push({ attempt, at, went: true });
      return { done: true };
    } catch (error) {
      calls.push({ attempt, at, went: false });
      throw error;
    }
  };
  const made = (name: string, quick: boolean) => {
    const agent = defineAgent({
      name,
      quick,
      input: z.object({ provider: z.string() }),
      output: z.object({ done: z.boolean() }),
      handle: ({ provider }, context) => ask(context, provider),
    });
    return defineGraph({
      name,
      input: z.object({ provider: z.string() }),
      nodes: { ask: { agent, input: { provider: '/task/provider' }, budget: { maxRetries: 0 } } },
      output: '/nodes/ask',
    });
  };

  const tokenUser = defineAgent({
    name: 'token-user',
    input: z.object({ provider: z.string(), tokens: z.number() }),
    output: z.object({ settled: z.array(z.string()) }),
    handle: async ({ provider, tokens }, { limits }) => {
      const reservation = await limits.reserve('answer', { provider, tokens });
      await limits.reserve('answer', { provider, tokens });
      return { settled: [await limits.settle(reservation, 100), await limits.settle(reservation, 5)] };
    },
  });
  const tokens = defineGraph({
    name: 'token-user',
    input: z.object({ provider: z.string(), tokens: z.number() }),
    nodes: { use: { agent: tokenUser, input: { provider: '/task/provider', tokens: '/task/tokens' } } },
    output: '/nodes/use',
  });

  before(async () => {
    muster = await openMuster('limited nodes');
    await setLimits(muster, {
      'provider:*': slidingLog({ limit: 1, perSeconds: 1.5 }),
      'provider:*/tokens': gcra({ limit: 1_000, perSeconds: 100_000 }),
    });
    await muster.work({ graphs: [made('slow-asker', false), made('quick-asker', true), tokens] });
  });
  after(() => muster?.close());
  beforeEach(() => {
    calls.length = 0;
  });

  for (const graph of ['slow-asker', 'quick-asker']) {
    it(`waits by the server's timer, and no attempt of ${graph} counts as failed`, async () => {
      const provider = `${graph}-${Math.random()}`;
      const first = await muster.client.submit(graph, { provider });
      await first.result();

      const second = await muster.client.submit(graph, { provider });
      const { output, trace } = await second.result();

      assert.deepEqual(output, { done: true });
      const went = calls.filter((call) => call.went).map(({ at }) => at);
      assert.equal(went.length, 2);
      assert.ok((went[1] ?? 0) - (went[0] ?? 0) >= 1_400, `it went again after ${(went[1] ?? 0) - (went[0] ?? 0)} ms`);
      // Few calls: it waited, and did not ask again and again.
      assert.ok(calls.length <= 5, `${calls.length} calls`);
      const [run] = trace?.runs ?? [];
      assert.equal(run?.status, 'ok');
      const types = (trace?.events ?? []).map(({ type }) => type);
      assert.ok(!types.includes('run.failed'), types.join(' '));
      assert.deepEqual(await countersOf(second.id), { failures: 0, crashes: 0 });
    });
  }

  it('reserves tokens, settles them, and gives the rest to the next node', async () => {
    const provider = `tokens-${Math.random()}`;
    for (const tokens of [600, 900]) {
      const task = await muster.client.submit('token-user', { provider, tokens });
      const { output } = await task.result();
      assert.deepEqual(output, { settled: ['settled', 'repeated'] });
    }

    const all = await muster.client.limits.status({ provider, tokens: 0, cost: 0 });
    assert.equal(all.find(({ name }) => name === 'provider:*/tokens')?.remaining, 800);
  });

  it('can be cancelled while it waits, at once', async () => {
    const provider = `cancelled-${Math.random()}`;
    await (await muster.client.submit('slow-asker', { provider })).result();
    await muster.client.limits.set(`provider:${provider}`, slidingLog({ limit: 1, perSeconds: 3_600 }));
    await muster.client.limits.take({ provider });
    const task = await muster.client.submit('slow-asker', { provider });
    await eventually(() => calls.some(({ went }) => !went), { what: 'the refusal' });

    await task.cancel();

    assert.equal((await ended(task)).task.status, 'cancelled');
  });

  async function countersOf(taskId: string): Promise<unknown> {
    return withPostgresql(muster.ownerUrl, async (client) => {
      await client.query(`begin; set local role muster_system; set local app.purpose = 'inspect'`);
      const { rows } = await client.query(
        `select r.failures, r.crashes from muster.agent_runs r join muster.agent_traces t on t.id = r.trace_id
         where t.task_id = $1`,
        [taskId],
      );
      await client.query('commit');
      return rows[0];
    });
  }
});
