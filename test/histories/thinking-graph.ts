import { z } from 'zod';
import { defineAgent, defineGraph, defineTool } from '../../index.ts';
import type { Asked, Reply } from '../support/model-server.ts';

const subject = z.object({ subject: z.string() });
const tool = { input: subject, output: z.object({ about: z.string() }) };

const read = defineTool({
  ...{ name: 'read', description: 'Reads about a subject.', risk: 'read_only', ...tool },
  handle: ({ subject }) => ({ about: subject }),
});
const write = defineTool({
  ...{ name: 'write', description: 'Writes about a subject.', risk: 'external_write', effect: 'natural', ...tool },
  handle: ({ subject }) => ({ about: subject }),
});

const spec = {
  ...{ input: subject, output: z.object({ said: z.string() }), model: 'default' },
  ...{ instructions: 'Read, write and say something.', tools: [read, write] },
};
const thinker = defineAgent({ name: 'thinker', ...spec });
const asker = defineAgent({ name: 'asker', ...spec });

/** A graph whose agent asks its model three times: for tools, for an answer that does not fit, and for one that does. */
export const thinking = defineGraph({
  name: 'thinking',
  input: subject,
  nodes: { think: { agent: thinker, input: { subject: '/task/subject' } } },
  output: '/nodes/think',
});

/** The same; a person allows what its agent writes. */
export const asking = defineGraph({
  name: 'asking',
  input: subject,
  nodes: { think: { agent: asker, input: { subject: '/task/subject' } } },
  output: '/nodes/think',
});

/** What its model says at each step. */
export function thinkingReply({ messages }: Asked): Reply {
  const steps = messages.filter(({ role }) => role === 'assistant').length;
  const calls = ['read', 'write'].flatMap((name) =>
    ['a', 'b'].map((subject) => ({ tool: name, arguments: { subject } })),
  );
  if (steps === 0) return { calls: calls.slice(0, 3) };
  return steps === 1 ? { text: 'Something.' } : { text: JSON.stringify({ said: 'something' }) };
}
