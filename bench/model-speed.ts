import { createRequire } from 'node:module';
import { setTimeout as pause } from 'node:timers/promises';
import { createOpenAICompatible } from '@ai-sdk/openai-compatible';
import { Context } from '@temporalio/activity';
import { streamText } from 'ai';
import { z } from 'zod';
import { defineAgent, defineGraph, defineTool } from '../index.ts';
import type { MusterUnderTest } from '../test/support/muster.ts';
import { KEY, startModelProvider } from './model-provider.ts';
import { openMusterContestants } from './muster-contestant.ts';
import type { Finding } from './report.ts';
import { percentile } from './rounds.ts';

const IN_FLIGHT = 50;
const CALLS = 100;
/**
 * So long that calls in flight are waited for: four a second leave Temporal's servers time, and no call queues for them. In few
 * pieces, because the provider is late by a little after each pause where the machine does other things, and while the bare
 * calls are measured it does none.
 */
const PIECES = 4;
const PAUSE_MS = 3_000;

const subject = z.object({ subject: z.string() });
const lookUp = defineTool({
  ...{ name: 'look-up', description: 'Looks a subject up.', risk: 'read_only', effect: 'none' },
  ...{ input: subject, output: z.string(), handle: () => 'found' },
});
const caller = defineAgent({
  ...{ name: 'bench-caller', input: z.object({}), output: z.string(), model: 'default', tools: [lookUp] },
  instructions: 'Look it up.',
});
const calling = defineGraph({
  name: 'bench-calling',
  input: z.object({}),
  nodes: { call: { agent: caller, input: {} } },
  output: '/nodes/call',
});

const chunks = Array.from({ length: PIECES }, (_, piece) => [`piece ${piece} `, { pauseMs: PAUSE_MS }]).flat();
const usage = { input: 120, output: 40 };
const TURNS = [
  { expect: { contains: 'found' }, answer: { text: 'Done.', usage }, repeat: true as const },
  {
    answer: { chunks, usage, calls: [{ tool: 'look-up', arguments: { subject: 'tea' } }] },
    repeat: true as const,
  },
];

/** What a model call costs besides the provider: ledger, budget, authorisation, events and what is shown to watchers. */
export async function measureModelCalls(muster: MusterUnderTest): Promise<Finding[]> {
  const provider = await startModelProvider({ turns: TURNS });
  const times = timeActivities();
  const own = openMusterContestants(muster);
  try {
    await bareTimes(provider.baseUrl, IN_FLIGHT);
    const bare = await bareTimes(provider.baseUrl, CALLS);
    const environment = { ...muster.environment, ...KEY, MUSTER_MODELS: provider.settings };
    await muster.client.operations.budgets.set({ scope: 'tenant', tokens: 1_000_000_000 });
    await muster.work({ graphs: [calling], environment });
    const { once } = own.contestant(calling.definition.name);
    await inLanes(IN_FLIGHT, once);
    times.forget();
    await inLanes(CALLS, once);
    const over = (share: number) => percentile(times.calls, share) - percentile(bare, share);
    return [
      { name: `a bare model call, ${IN_FLIGHT} in flight, p50 ms`, value: percentile(bare, 0.5) },
      { name: `a bare model call, ${IN_FLIGHT} in flight, p99 ms`, value: percentile(bare, 0.99) },
      { name: 'the same by a thinking agent: more at the median, ms', value: over(0.5), goal: { atMost: 8 } },
      { name: 'the same by a thinking agent: more at p99, ms', value: over(0.99), goal: { atMost: 25 } },
      { name: 'a stored answer read back, p50 ms', value: percentile(times.repetitions, 0.5), goal: { atMost: 3 } },
    ];
  } finally {
    times.stop();
    await own.close();
    await provider.close();
  }
}

/** The same request by the client alone. */
async function bareTimes(baseURL: string, count: number): Promise<number[]> {
  const model = createOpenAICompatible({ name: 'bench', baseURL, apiKey: 'bench', includeUsage: true }).chatModel('m');
  return inLanes(count, async () => {
    const startedAt = performance.now();
    const { stream } = streamText({ model, system: 'Look it up.', prompt: '{}', maxRetries: 0 });
    for await (const _ of stream);
    return performance.now() - startedAt;
  });
}

async function inLanes<Result>(count: number, once: () => Promise<Result>): Promise<Result[]> {
  const results: Result[] = [];
  let left = count;
  // Lanes that begin together would call together ever after.
  const lane = async (_: unknown, index: number) => {
    await pause((index * PIECES * PAUSE_MS) / IN_FLIGHT);
    while (left > 0) {
      left -= 1;
      results.push(await once());
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }).map(lane));
  return results;
}

type Execute = (this: unknown, work: unknown, input: unknown) => Promise<unknown>;

/** Measures `callModel` where the SDK calls it, and calls it again once its answer is stored and its tools are due. */
function timeActivities() {
  const path = createRequire(import.meta.url)
    .resolve('@temporalio/worker')
    .replace('index.js', 'activity.js');
  const { Activity } = createRequire(import.meta.url)(path) as { Activity: { prototype: { execute: Execute } } };
  const { execute } = Activity.prototype;
  const calls: number[] = [];
  const repetitions: number[] = [];
  const timed = async (into: number[], work: () => Promise<unknown>) => {
    const startedAt = performance.now();
    const result = await work();
    into.push(performance.now() - startedAt);
    return result;
  };
  Activity.prototype.execute = async function (work, input) {
    const once = () => execute.call(this, work, input);
    if (Context.current().info.activityType !== 'callModel') return once();
    const own: number[] = [];
    const result = (await timed(own, once)) as { kind: string };
    if (result.kind !== 'tools') return result;
    calls.push(...own);
    return timed(repetitions, once);
  };
  return {
    calls,
    repetitions,
    forget: () => {
      calls.length = 0;
      repetitions.length = 0;
    },
    stop: () => {
      Activity.prototype.execute = execute;
    },
  };
}
