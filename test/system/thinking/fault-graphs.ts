import { z } from 'zod';
import { defineAgent, defineGraph, defineTool, type HandlerContext } from '../../../index.ts';
import { sinkCalls } from '../../support/sink.ts';

/** One graph for each place where its worker dies: the worker is told its name, which is that of its queue too. */
const name = process.env.MUSTER_FAULT_GRAPH ?? 'fault';

const labelled = z.object({ label: z.string() });

function postOnce(context: HandlerContext, label: string, blind: boolean): Promise<null> {
  return context.effect('post', {
    request: { label },
    whenInDoubt: blind ? 'stop' : 'repeat',
    call: async (key) => {
      await sinkCalls.post({ key, subject: label, blind });
      return null;
    },
  });
}

/** The other side knows a repetition by the key. */
const pay = defineTool({
  ...{ name: 'pay', description: 'Pays.', risk: 'external_write', effect: 'keyed', input: labelled, output: z.null() },
  handle: ({ label }, context) => postOnce(context, label, false),
});

/** The other side knows no keys, and the tool says nothing of its own of what is done. */
const shout = defineTool({
  ...{ name: 'shout', description: 'Shouts.', risk: 'external_write', input: labelled, output: z.null() },
  handle: async ({ label }) => {
    await sinkCalls.post({ key: `${label}/${process.pid}`, subject: label, blind: true });
    return null;
  },
});

const buyer = defineAgent({
  ...{
    name: process.env.MUSTER_FAULT_AGENT ?? 'buyer',
    input: labelled,
    output: z.object({ bought: z.string() }),
    model: 'default',
  },
  instructions: 'Buy it.',
  tools: [pay, shout],
  whenInDoubt: process.env.MUSTER_FAULT_POLICY === 'stop' ? 'stop' : 'repeat',
});

/** The same as an agent of the worker, and as an llm of the graph. */
const byAgent = defineGraph({
  name,
  input: labelled,
  nodes: { buy: { agent: buyer, input: { label: '/task/label' } } },
  output: '/nodes/buy',
});
const byLlm = defineGraph({
  name,
  input: labelled,
  nodes: {
    pay: { tool: pay },
    shout: { tool: shout },
    buy: {
      llm: { model: 'default', instructions: 'Buy {{label}}.', tools: ['pay', 'shout'] },
      input: { label: '/task/label' },
    },
  },
  output: '/nodes/buy',
});

export const graphs = [name.startsWith('llm-') ? byLlm : byAgent];
