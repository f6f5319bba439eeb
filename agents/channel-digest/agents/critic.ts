import { z } from 'zod';
import { defineAgent } from '../../../index.ts';
import { critique } from '../report/critique.ts';
import { draft, findings, review, transcript } from '../schemas.ts';

export const critic = defineAgent({
  name: 'digest-critic',
  description: 'Judges a draft: coverage, support by the cited lines, repetition, length.',
  input: z.object({ draft, findings, transcript }),
  output: review,
  quick: true,
  handle: (input) => critique(input.draft, input.findings, input.transcript),
});
