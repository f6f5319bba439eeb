import { z } from 'zod';
import { defineAgent } from '../../../index.ts';
import { findTopics } from '../findings/topics.ts';
import { topic, transcript } from '../schemas.ts';
import { paceOf } from './pace.ts';

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
