import { z } from 'zod';
import { defineAgent } from '../../../index.ts';
import { readConversation } from '../findings/conversation.ts';
import { findQuestions } from '../findings/questions.ts';
import { openQuestion, transcript } from '../schemas.ts';
import { paceOf } from './pace.ts';

export const questionAnalyst = defineAgent({
  name: 'digest-question-analyst',
  description: 'Finds questions that were asked and not answered, and why they are open.',
  input: z.object({ transcript }),
  output: z.object({ open: z.array(openQuestion), answered: z.int() }),
  handle: async (input, context) => findQuestions(await readConversation(input.transcript, paceOf(context))),
});
