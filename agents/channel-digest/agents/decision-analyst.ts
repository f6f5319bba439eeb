import { z } from 'zod';
import { defineAgent } from '../../../index.ts';
import { findActionItems } from '../findings/action-items.ts';
import { readConversation } from '../findings/conversation.ts';
import { findDecisions } from '../findings/decisions.ts';
import { actionItem, decision, transcript } from '../schemas.ts';
import { paceOf } from './pace.ts';

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
