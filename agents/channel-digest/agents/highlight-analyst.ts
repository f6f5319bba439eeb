import { z } from 'zod';
import { defineAgent } from '../../../index.ts';
import { findHighlights } from '../findings/highlights.ts';
import { highlight, transcript } from '../schemas.ts';
import { paceOf } from './pace.ts';

export const highlightAnalyst = defineAgent({
  name: 'digest-highlight-analyst',
  description: 'Picks the sentences that best stand for the whole talk.',
  input: z.object({ transcript }),
  output: z.object({ highlights: z.array(highlight) }),
  handle: async (input, context) => ({ highlights: await findHighlights(input.transcript, paceOf(context)) }),
});
