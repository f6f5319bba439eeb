import { z } from 'zod';
import { defineAgent } from '../../../index.ts';
import { composeDraft } from '../report/compose.ts';
import { critique } from '../report/critique.ts';
import { reviseDraft } from '../report/revise.ts';
import { draft, findings, review, transcript } from '../schemas.ts';

/**
 * Brings the analysts' work together, and passes the findings on, so that critic, reviser and publisher read one
 * output.
 */
export const composer = defineAgent({
  name: 'digest-composer',
  description: 'Writes the first draft of the report from what the analysts found.',
  input: findings.extend({ transcript }),
  output: z.object({ draft, findings }),
  quick: true,
  handle: ({ transcript: source, ...found }) => ({ draft: composeDraft(source, found), findings: found }),
});

export const critic = defineAgent({
  name: 'digest-critic',
  description: 'Judges a draft: coverage, support by the cited lines, repetition, length.',
  input: z.object({ draft, findings, transcript }),
  output: review,
  quick: true,
  handle: (input) => critique(input.draft, input.findings, input.transcript),
});

export const reviser = defineAgent({
  name: 'digest-reviser',
  description: 'Carries out a review: adds what is missing, drops what is unsupported, redundant or too long.',
  input: z.object({ draft, review, findings }),
  output: z.object({ draft }),
  quick: true,
  handle: (input) => ({ draft: reviseDraft(input.draft, input.review, input.findings) }),
});
