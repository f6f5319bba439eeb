import { z } from 'zod';
import { defineAgent, defineGraph, defineTool } from '../../../index.ts';

const about = z.object({ about: z.string() });

const lookUp = defineTool({
  ...{ name: 'look-up', description: 'Looks a thing up.', risk: 'read_only', effect: 'none' },
  ...{ input: z.object({ thing: z.string() }), output: z.string() },
  handle: ({ thing }) => `about ${thing}`,
});

const speaker = defineAgent({
  ...{ name: 'speaker', input: about, output: z.string(), model: 'default', tools: [lookUp] },
  instructions: 'Speak.',
});

/** A graph of one agent that answers with a text, and may look something up before. */
export const speaking = defineGraph({
  name: 'speaking',
  input: about,
  nodes: { speak: { agent: speaker, input: { about: '/task/about' } } },
  output: '/nodes/speak',
});

export const graphs = [speaking];
