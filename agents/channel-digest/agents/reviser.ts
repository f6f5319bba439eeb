import { z } from 'zod';
import { defineAgent } from '../../../index.ts';
import { reviseDraft } from '../report/revise.ts';
import { draft, findings, review } from '../schemas.ts';

export const reviser = defineAgent({
  name: 'digest-reviser',
  description: 'Carries out a review: adds what is missing, drops what is unsupported, redundant or too long.',
  input: z.object({ draft, review, findings }),
  output: z.object({ draft }),
  quick: true,
  handle: (input) => ({ draft: reviseDraft(input.draft, input.review, input.findings) }),
});
