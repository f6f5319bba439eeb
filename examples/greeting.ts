import { defineAgent, defineGraph } from '@muster-run/muster';
import { z } from 'zod';

const name = z.object({ name: z.string() });
const text = z.object({ text: z.string() });

const greeter = defineAgent({
  name: 'greeter',
  input: name,
  output: text,
  handle: (input) => ({ text: `Hello, ${input.name}` }),
});
const shouter = defineAgent({
  name: 'shouter',
  input: text,
  output: text,
  quick: true, // ends well within a second and waits for nothing outside
  handle: (input) => ({ text: `${input.text.toUpperCase()}!` }),
});

export const greeting = defineGraph({
  name: 'greeting',
  input: name,
  nodes: {
    greet: { agent: greeter, input: { name: '/task/name' } },
    shout: { agent: shouter, input: { text: '/nodes/greet/text' } },
  },
  output: '/nodes/shout',
});
