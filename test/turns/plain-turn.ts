import { z } from 'zod';
import { defineAgent } from '../../index.ts';
import { defineTurn } from '../../turns/define-turn.ts';

const brief = z.object({
  ...{ text: z.string(), user: z.string().nullable(), history: z.array(z.unknown()), temperature: z.number() },
  ...{ context: z.array(z.object({ name: z.string(), json: z.unknown() })), tools: z.boolean() },
  ...{ draft: z.string().nullable(), notes: z.string().nullable() },
});
type Brief = z.infer<typeof brief>;

/** What the test makes the agents do, by their names. It is set anew for each. */
export const script = new Map<string, (given: never) => unknown>();
/** What each agent was given, in order. */
export const given: { readonly agent: string; readonly input: unknown }[] = [];

export function reset(): void {
  script.clear();
  given.length = 0;
}

export const givenTo = (agent: string) => given.filter((one) => one.agent === agent).map(({ input }) => input);
export const briefsOf = (agent: string) => givenTo(agent) as readonly Brief[];

function scripted<Input extends z.ZodType>(name: string, input: Input, usual: (given: z.infer<Input>) => unknown) {
  return defineAgent({
    ...{ name, input, output: z.unknown(), description: `The ${name}.` },
    handle: async (asked) => {
      given.push({ agent: name, input: asked });
      return ((script.get(name) as ((given: unknown) => unknown) | undefined) ?? usual)(asked as never);
    },
  });
}

const asked = z.looseObject({ text: z.string() });

/** A turn with all that a turn can have. Its agents do as the script says. */
export const plainTurn = defineTurn({
  name: 'plain-turn',
  description: 'A turn of scripted agents.',
  routes: {
    qa: scripted('turn-qa', brief, ({ text }) => ({ reply: `qa: ${text}` })),
    code: scripted('turn-code', brief, ({ text }) => `code: ${text}`),
  },
  router: scripted('turn-router', asked, () => ({ route: 'code' })),
  fallback: 'qa',
  context: {
    memory: scripted('turn-memory', asked, () => ({ known: 'much' })),
    social: scripted('turn-social', asked, () => ({ friends: 2 })),
  },
  critic: { agent: scripted('turn-critic', asked, () => ({ score: 1 })) },
  canary: { routes: { code: scripted('turn-new-code', brief, ({ text }) => ({ reply: `new: ${text}` })) }, percent: 0 },
});

/** The same with a canary on every turn, whose error budget is small. */
export const triedTurn = defineTurn({
  name: 'tried-turn',
  routes: { qa: scripted('tried-qa', brief, ({ text }) => ({ reply: `old: ${text}` })) },
  critic: { agent: scripted('tried-critic', asked, () => ({ score: 1 })), revisions: 0 },
  canary: {
    routes: { qa: scripted('tried-new', brief, ({ text }) => ({ reply: `new: ${text}` })) },
    ...{ percent: 100, minimum: 4, window: 10, failureRate: 0.4, cooldownSeconds: 300 },
  },
});
