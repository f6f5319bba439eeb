import { z } from 'zod';
import { defineAgent, type HandlerContext } from '../../../index.ts';
import { findActionItems } from '../findings/action-items.ts';
import { readConversation } from '../findings/conversation.ts';
import { findDecisions } from '../findings/decisions.ts';
import { findHighlights } from '../findings/highlights.ts';
import { findParticipants } from '../findings/participants.ts';
import { findQuestions } from '../findings/questions.ts';
import { findSentiment } from '../findings/sentiment.ts';
import { findTopics } from '../findings/topics.ts';
import type { Pace } from '../language/read-sentences.ts';
import {
  actionItem,
  decision,
  highlight,
  openQuestion,
  participant,
  sentiment,
  topic,
  transcript,
} from '../schemas.ts';

/**
 * Called between two pieces of work: stops where the runtime says so, reports progress, and lets the rest of the
 * process have its turn, so that a long text does not hold up the heartbeats of other work.
 */
export function paceOf(context: HandlerContext): Pace {
  return async () => {
    context.signal.throwIfAborted();
    context.heartbeat();
    await new Promise<void>((resume) => {
      setImmediate(resume);
    });
  };
}

export const participantAnalyst = defineAgent({
  name: 'digest-participant-analyst',
  description: 'Counts who spoke how much and with whom.',
  input: z.object({ transcript }),
  output: z.object({ participants: z.array(participant) }),
  quick: true,
  handle: (input) => ({ participants: findParticipants(input.transcript) }),
});

const DEFAULT_TOPICS = 6;

export const topicAnalyst = defineAgent({
  name: 'digest-topic-analyst',
  description: 'Finds what the talk is about, with the lines that say it.',
  input: z.object({ transcript, maxTopics: z.int().min(1).max(20).nullish() }),
  output: z.object({ topics: z.array(topic) }),
  handle: async (input, context) => ({
    topics: await findTopics(input.transcript, input.maxTopics ?? DEFAULT_TOPICS, paceOf(context)),
  }),
});

export const decisionAnalyst = defineAgent({
  name: 'digest-decision-analyst',
  description: 'Finds what was decided, and who is to do what by when.',
  input: z.object({ transcript }),
  output: z.object({ decisions: z.array(decision), actionItems: z.array(actionItem) }),
  async handle(input, context) {
    const conversation = await readConversation(input.transcript, paceOf(context));
    return { decisions: await findDecisions(conversation), actionItems: await findActionItems(conversation) };
  },
});

export const questionAnalyst = defineAgent({
  name: 'digest-question-analyst',
  description: 'Finds questions that were asked and not answered, and why they are open.',
  input: z.object({ transcript }),
  output: z.object({ open: z.array(openQuestion), answered: z.int() }),
  handle: async (input, context) => findQuestions(await readConversation(input.transcript, paceOf(context))),
});

export const sentimentAnalyst = defineAgent({
  name: 'digest-sentiment-analyst',
  description: 'Judges the mood of the talk and of each participant, and finds where it turned.',
  input: z.object({ transcript }),
  output: sentiment,
  handle: (input, context) => findSentiment(input.transcript, paceOf(context)),
});

export const highlightAnalyst = defineAgent({
  name: 'digest-highlight-analyst',
  description: 'Picks the sentences that best represent the whole talk.',
  input: z.object({ transcript }),
  output: z.object({ highlights: z.array(highlight) }),
  handle: async (input, context) => ({ highlights: await findHighlights(input.transcript, paceOf(context)) }),
});
