import { z } from 'zod';
import { defineAgent } from '../../../index.ts';
import { composeDraft } from '../report/compose.ts';
import { draft, findings, transcript } from '../schemas.ts';

/** Brings the analysts' work together; hands the findings on, so that critic, reviser and publisher read one output. */
export const composer = defineAgent({
  name: 'digest-composer',
  description: 'Writes the first draft of the report from what the analysts found.',
  input: findings.extend({ transcript }),
  output: z.object({ draft, findings }),
  quick: true,
  handle: ({ transcript: source, ...found }) => ({ draft: composeDraft(source, found), findings: found }),
});
