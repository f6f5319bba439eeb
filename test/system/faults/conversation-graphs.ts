import { z } from 'zod';
import { defineAgent, defineGraph } from '../../../index.ts';
import { sinkCalls } from '../../support/sink.ts';

const said = z.object({ conversation: z.string(), turn: z.number(), text: z.string(), history: z.array(z.unknown()) });

/** Does something outside for each turn, and says how much was said before. */
const speaker = defineAgent({
  ...{ name: 'fault-speaker', input: said, output: z.object({ reply: z.string() }) },
  async handle({ conversation, turn, text, history }, context) {
    const subject = `${conversation}/${turn}`;
    await context.effect('say', {
      request: { subject },
      whenInDoubt: 'repeat',
      call: async (key) => {
        await sinkCalls.post({ key, subject, blind: false });
        return null;
      },
    });
    return { reply: `${text} after ${history.length}` };
  },
});

export const graphs = [
  defineGraph({
    name: 'fault-talk',
    input: said,
    nodes: { speak: { agent: speaker, input: '/task' } },
    output: '/nodes/speak',
  }),
];
