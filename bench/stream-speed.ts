import { z } from 'zod';
import { defineAgent, defineGraph, type TaskHandle } from '../index.ts';
import type { MusterUnderTest } from '../test/support/muster.ts';
import { KEY, startModelProvider } from './model-provider.ts';
import type { Finding } from './report.ts';

const WATCHERS = 20;
const TOKENS = 20_000;
/** A little more than a thousand a second. */
const TOKENS_AT_ONCE = 24;
const EVERY_MS = 20;
const TOKEN = 'word ';

const input = z.object({});
const speaker = defineAgent({
  ...{ name: 'bench-speaker', input, output: z.string(), model: 'default' },
  instructions: 'Speak.',
});
const speaking = defineGraph({
  name: 'bench-speaking',
  input,
  nodes: { speak: { agent: speaker, input: {} } },
  output: '/nodes/speak',
});

/** What one watcher has heard. */
interface Heard {
  readonly text: string;
  readonly tokensPerSecond: number;
}

/** A model that says a thousand tokens a second to twenty who watch: how many each hears, and whether any is lost. */
export async function measureStreams(muster: MusterUnderTest): Promise<Finding[]> {
  const chunks = Array.from({ length: TOKENS }, (_, token) =>
    token % TOKENS_AT_ONCE === 0 ? [TOKEN, { pauseMs: EVERY_MS }] : [TOKEN],
  ).flat();
  const provider = await startModelProvider({ turns: [{ answer: { chunks } }] });
  try {
    const environment = { ...muster.environment, ...KEY, MUSTER_MODELS: provider.settings };
    await muster.work({ graphs: [speaking], environment });
    const task = await muster.client.submit('bench-speaking', {});
    const heard = await Promise.all(Array.from({ length: WATCHERS }, () => hear(muster.client.task(task.id))));
    const whole = heard.filter(({ text }) => text === TOKEN.repeat(TOKENS)).length;
    const slowest = Math.min(...heard.map(({ tokensPerSecond }) => tokensPerSecond));
    return [
      {
        name: `tokens/s to the slowest of ${WATCHERS} watchers, from the first to the last`,
        value: slowest,
        goal: { atLeast: 1_000 },
      },
      { name: `watchers of ${WATCHERS} that heard all, and once`, value: whole, goal: { atLeast: WATCHERS } },
    ];
  } finally {
    await provider.close();
  }
}

async function hear(task: TaskHandle): Promise<Heard> {
  let text = '';
  let firstAtMs = 0;
  let lastAtMs = 0;
  for await (const event of task.events({ text: true })) {
    if (event.type !== 'text.added') continue;
    lastAtMs = performance.now();
    if (text === '') firstAtMs = lastAtMs;
    text += event.text;
  }
  return { text, tokensPerSecond: text.length / TOKEN.length / ((lastAtMs - firstAtMs) / 1_000) };
}
