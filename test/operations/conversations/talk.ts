import { z } from 'zod';
import { defineAgent, defineGraph, defineTool } from '../../../index.ts';

const history = z.array(z.object({ role: z.string(), text: z.string(), interrupted: z.boolean().optional() }));
export const said = z.object({
  ...{ conversation: z.string(), turn: z.number(), text: z.string(), user: z.string().nullable(), history },
});
export type Said = z.infer<typeof said>;

/** A turn that waits until the test lets it go. */
export interface HeldTurn extends Said {
  readonly taskId: string;
  let(): void;
}

/** The turns that began, in their order, and those that are held. */
export const began: Said[] = [];
export const held: HeldTurn[] = [];
/** How many turns of one conversation ran at once, at most. */
export const running = new Map<string, number>();
export let mostAtOnce = 0;

/** Drafts at once, so that there is something to keep of a turn that is interrupted later. */
const drafter = defineTool({
  ...{ name: 'talk-draft', input: said, output: z.object({ reply: z.string() }), quick: true },
  handle: ({ text }) => ({ reply: `draft of ${text}` }),
});

/** `hold …` waits to be let go, `fail` fails, `silence` says nothing; anything else is echoed with the history's length. */
const speaker = defineAgent({
  ...{ name: 'talk-speaker', input: said, output: z.unknown() },
  async handle(given, { taskId, signal }) {
    const { conversation, text, history } = given;
    const now = (running.get(conversation) ?? 0) + 1;
    running.set(conversation, now);
    mostAtOnce = Math.max(mostAtOnce, now);
    began.push(given);
    try {
      if (text === 'fail' || (text === 'fail once' && began.filter((one) => one.text === text).length === 1))
        throw new Error('it cannot be said');
      if (text.startsWith('hold')) {
        await new Promise<void>((resolve, reject) => {
          held.push({ ...given, taskId, let: resolve });
          signal.addEventListener('abort', () => reject(signal.reason as Error));
        });
      }
      return text === 'silence' ? '[SILENCE]' : { reply: `${text} after ${history.length}` };
    } finally {
      running.set(conversation, (running.get(conversation) ?? 1) - 1);
    }
  },
});

export const talk = defineGraph({
  name: 'talk',
  input: said,
  nodes: {
    draft: { tool: drafter, input: '/task' },
    speak: { agent: speaker, input: '/task', after: ['draft'], budget: { maxRetries: 0 } },
  },
  output: '/nodes/speak',
});

/** Does not take what turns are given. */
export const deaf = defineGraph({
  name: 'deaf',
  input: z.object({ volume: z.number() }),
  nodes: {
    hear: {
      agent: speaker,
      input: {
        ...{ conversation: { value: '' }, turn: { value: 0 } },
        text: { value: '' },
        user: { value: null },
        history: { value: [] },
      },
    },
  },
  output: '/nodes/hear',
});
