import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineAgent, defineGraph } from '../../index.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';

const greeter = defineAgent({
  name: 'greeter',
  input: z.object({ name: z.string() }),
  output: z.object({ text: z.string() }),
  handle: ({ name }) => ({ text: `Hello, ${name}` }),
});
const shouter = defineAgent({
  name: 'shouter',
  quick: true,
  input: z.object({ text: z.string() }),
  output: z.object({ text: z.string() }),
  handle: ({ text }) => ({ text: `${text.toUpperCase()}!` }),
});
const greeting = defineGraph({
  name: 'greeting',
  input: z.object({ name: z.string() }),
  nodes: {
    greet: { agent: greeter, input: { name: '/task/name' } },
    shout: { agent: shouter, input: { text: '/nodes/greet/text' } },
  },
  output: '/nodes/shout',
});

describe('the story of a task', () => {
  let muster: MusterUnderTest;
  before(async () => {
    muster = await openMuster('story');
    await muster.work({ graphs: [greeting] });
  });
  after(() => muster?.close());

  it('C076: goes from a submit to its output, with one run a node', async () => {
    const task = await muster.client.submit('greeting', { name: 'Ada' });

    const { output, trace } = await task.result();

    assert.deepEqual(output, { text: 'HELLO, ADA!' });
    assert.deepEqual(
      trace?.runs.map((run) => [run.nodeId, run.status, run.attempts]),
      [
        ['greet', 'ok', 1],
        ['shout', 'ok', 1],
      ],
    );
    const types = trace?.events.map((event) => [event.seq, event.type, event.nodeId]);
    assert.deepEqual(types, [
      [1, 'trace.started', null],
      [2, 'run.started', 'greet'],
      [3, 'run.completed', 'greet'],
      [4, 'run.started', 'shout'],
      [5, 'run.completed', 'shout'],
      [6, 'trace.completed', null],
    ]);
  });
});
