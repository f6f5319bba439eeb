import { z } from 'zod';
import { defineTool } from '../domain/agents/define-handler.ts';
import { readReview, temperatureOf } from '../domain/conversations/review.ts';
import { decideRoute } from '../domain/conversations/route-decision.ts';
import { spokenOf } from '../domain/conversations/turn-end.ts';
import type { Json } from '../domain/json.ts';

/** What stands between the agents of a turn. All turns share these tools; what differs comes with their inputs. */

const json = z.json() as z.ZodType<Json>;
const texts = z.array(z.string());
const who = { user: z.string().nullish(), agent: z.string().nullish() };
const turn = z.object({ text: z.string(), ...who, history: z.array(json) });
const decision = z.object({
  ...{ route: z.string(), context: texts, tools: z.boolean(), temperature: z.number(), reason: z.string() },
  ...{ isDefault: z.boolean(), traceId: z.string() },
});
const rules = z.object({ routes: texts, fallback: z.string(), context: texts, temperature: z.number() });
const packets = z.array(z.object({ name: z.string(), json }));

/** A quick tool that only reads what it is given. */
const between = { quick: true, risk: 'read_only', effect: 'none' } as const;

export const turnDecide = defineTool({
  ...{ ...between, name: 'turn-decide', description: 'Holds what the router said to the routes that there are.' },
  ...{ input: z.object({ said: json, rules }), output: decision },
  handle({ said, rules }, { traceId }) {
    const { context, ...decided } = decideRoute(said, rules);
    return { ...decided, context: [...context], traceId };
  },
});

export const turnGather = defineTool({
  ...{ ...between, name: 'turn-gather', description: 'Puts together what the providers of context gave.' },
  ...{ input: z.record(z.string(), json), output: z.object({ packets, missing: texts }) },
  handle(given) {
    const entries = Object.entries(given);
    const packets = entries.filter(([, json]) => json !== null).map(([name, json]) => ({ name, json }));
    return { packets, missing: entries.filter(([, json]) => json === null).map(([name]) => name) };
  },
});

/** What came of a round. */
const said = z.object({ reply: z.string().nullable(), isCanary: z.boolean() });
const verdict = said.extend({
  ...{ score: z.number().nullable(), notes: z.string().nullable(), revisions: z.int(), temperature: z.number() },
  ...{ done: z.boolean(), tried: z.boolean(), canaryFailure: z.string().nullable() },
});

export const turnBrief = defineTool({
  ...{
    ...between,
    name: 'turn-brief',
    description: 'Says what is to be answered, and what the critic wants of a revision.',
  },
  input: z.object({ turn, packets, decision, iteration: z.int(), previous: verdict.nullable() }),
  output: z.object({
    ...{ text: z.string(), user: z.string().nullable(), agent: z.string().nullable() },
    ...{ history: z.array(json), context: packets },
    ...{ tools: z.boolean(), temperature: z.number(), draft: z.string().nullable(), notes: z.string().nullable() },
  }),
  handle: ({ turn: { text, user = null, agent = null, history }, packets: context, decision, iteration, previous }) => {
    const { tools } = decision;
    const temperature = temperatureOf(decision.temperature, iteration);
    const { reply: draft = null, notes = null } = previous ?? {};
    return { text, user, agent, history, context, tools, temperature, draft, notes };
  },
});

export const turnSaid = defineTool({
  ...{ ...between, name: 'turn-said', description: 'Reads what a route says of its output.' },
  ...{ input: z.object({ output: json, isCanary: z.boolean() }), output: said },
  handle: ({ output, isCanary }) => ({ reply: spokenOf(output), isCanary }),
});

export const turnReply = defineTool({
  ...{ ...between, name: 'turn-reply', description: 'Takes the reply of the route that was taken.' },
  ...{ input: z.record(z.string(), said.nullable()), output: said },
  handle(given) {
    const reply = Object.values(given).find((one) => one !== null);
    if (reply === undefined || reply === null) throw new Error('No route has answered.');
    return reply;
  },
});

const review = z.object({ minScore: z.number(), revisions: z.int() });

export const turnVerdict = defineTool({
  ...{ ...between, name: 'turn-verdict', description: 'Says whether the reply stands or is revised.' },
  input: z.object({
    ...{ said, review: json, rules: review, iteration: z.int(), temperature: z.number() },
    ...{ tries: z.boolean().nullable(), previous: verdict.nullable() },
  }),
  output: verdict,
  handle({ said, review, rules, iteration, temperature, tries, previous }) {
    const { score, notes, revise } = readReview(review, rules);
    const done = !revise || iteration >= rules.revisions;
    const failed = tries === true && !said.isCanary ? 'graph_failed_tasks' : (previous?.canaryFailure ?? null);
    const unmet = done && revise && said.isCanary ? 'hard_gate_unmet' : null;
    return {
      ...said,
      score,
      notes,
      revisions: iteration,
      temperature,
      done,
      tried: tries === true,
      canaryFailure: failed ?? unmet,
    };
  },
});

const canary = z.object({ allowed: z.boolean(), reason: z.string(), sample: z.number() });

export const turnEnd = defineTool({
  ...{ ...between, name: 'turn-end', description: 'Says what the turn came to.' },
  input: z.object({ answer: verdict, decision, missing: texts, canary: canary.nullable() }),
  output: z.object({
    ...{ reply: z.string().nullable(), route: z.string(), router: decision, missing: texts, revisions: z.int() },
    ...{ score: z.number().nullable(), canary: canary.extend({ failure: z.string().nullable() }).nullable() },
  }),
  handle: ({ answer, decision: router, missing, canary }) => {
    const { reply, revisions, score, canaryFailure: failure } = answer;
    const tried = canary === null ? null : { ...canary, failure };
    return { reply, route: router.route, router, missing, revisions, score, canary: tried };
  },
});
