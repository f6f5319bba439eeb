import { z } from 'zod';
import { defineAgent } from '../../../index.ts';
import { findSentiment } from '../findings/sentiment.ts';
import { sentiment, transcript } from '../schemas.ts';
import { paceOf } from './pace.ts';

export const sentimentAnalyst = defineAgent({
  name: 'digest-sentiment-analyst',
  description: 'Judges the mood of the talk and of each participant, and finds where it turned.',
  input: z.object({ transcript }),
  output: sentiment,
  handle: (input, context) => findSentiment(input.transcript, paceOf(context)),
});
