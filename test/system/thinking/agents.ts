import { z } from 'zod';
import { defineAgent, defineGraph, defineTool } from '../../../index.ts';

/** What the tools of these agents did, in the order in which they did it. */
export const done: string[] = [];

const subject = z.object({ subject: z.string() });

/** Waits until two of these subjects are looked up at once. */
const PAIR = 'pair';
let pair = Promise.withResolvers<void>();

async function meet(subject: string): Promise<void> {
  if (!subject.startsWith(PAIR)) return;
  if (done.filter((line) => line.startsWith(`begin ${PAIR}`)).length === 2) pair.resolve();
  await pair.promise;
  pair = Promise.withResolvers<void>();
}

const lookUp = defineTool({
  name: 'look-up',
  description: 'Looks up a subject.',
  ...{ risk: 'read_only', input: subject, output: z.unknown() },
  handle: async ({ subject }) => {
    done.push(`begin ${subject}`);
    await meet(subject);
    done.push(`end ${subject}`);
    if (subject === 'huge') return 'x'.repeat(5_000_000);
    if (subject === 'broken') throw new Error('nobody answers');
    if (subject === 'unstorable') return 'a\u0000b';
    return { about: subject };
  },
});

/** Changes something, and must never be repeated. */
const post = defineTool(sameAs('post'));

/** As `post`, under names of their own: what may be done depends on who granted it. */
const publish = defineTool(sameAs('publish'));
const erase = defineTool(sameAs('erase'));

function sameAs(name: string) {
  return {
    ...{ name, description: `To ${name} something.`, risk: 'external_write' as const, input: subject },
    output: z.object({ posted: z.string() }),
    handle: ({ subject }: { subject: string }) => {
      done.push(`${name} ${subject}`);
      return { posted: subject };
    },
  };
}

export const answerer = defineAgent({
  name: 'answerer',
  input: z.object({ question: z.string() }),
  output: z.object({ answer: z.string() }),
  model: 'default',
  instructions: ({ question }) => `Answer in one word. The question has ${question.length} letters.`,
  tools: [lookUp, post, publish, erase],
  limits: { steps: 4, callsPerStep: 3, parallelReads: 2, resultCharacters: 200 },
});

const cautious = defineAgent({
  ...{ name: 'cautious', input: z.object({ question: z.string() }), output: z.string(), model: 'default' },
  instructions: 'Answer.',
  whenInDoubt: 'stop',
});

const question = z.object({ question: z.string() });

export const answering = defineGraph({
  name: 'answering',
  input: question,
  nodes: { answer: { agent: answerer, input: { question: '/task/question' } } },
  output: '/nodes/answer',
});

export const cautiousAnswering = defineGraph({
  name: 'cautious-answering',
  input: question,
  nodes: { answer: { agent: cautious, input: { question: '/task/question' } } },
  output: '/nodes/answer',
});
