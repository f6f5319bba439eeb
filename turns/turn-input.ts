import { z } from 'zod';

const message = z.object({
  ...{ role: z.enum(['user', 'agent', 'assistant']), text: z.string(), interrupted: z.boolean().optional() },
  ...{ agent: z.string().optional(), route: z.string().optional() },
});

/** What every turn is given: see docs/conversations.md. */
export const turnInput = z.object({
  ...{ conversation: z.string(), turn: z.int(), text: z.string(), user: z.string().nullable() },
  agent: z.string().nullish(),
  history: z.array(message),
});

/** What each round of an answer is given. */
export const roundInput = z.object({
  ...{ turn: turnInput, packets: z.array(z.unknown()), decision: z.unknown(), tries: z.boolean().nullable() },
  ...{ iteration: z.int(), previous: z.unknown() },
});
