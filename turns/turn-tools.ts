import { z } from 'zod';
import { defineTool } from '../domain/agents/define-handler.ts';
import { answeringAtOnce } from '../domain/agents/thrown.ts';
import { handoffIn, withHandoff } from '../domain/conversations/handoff.ts';
import { readReview, temperatureOf } from '../domain/conversations/review.ts';
import { decideRoute } from '../domain/conversations/route-decision.ts';
import { selectRoute } from '../domain/conversations/select-route.ts';
import { spokenOf } from '../domain/conversations/turn-end.ts';
import type { Json } from '../domain/json.ts';

/** What stands between the agents of a turn. All turns share these tools; what differs comes with their inputs. */

const json = z.json() as z.ZodType<Json>;
const texts = z.array(z.string());
const who = { user: z.string().nullish(), agent: z.string().nullish() };
const turn = z.object({ text: z.string(), ...who, history: z.array(json) });
const points = z.object({
  ...{ name: z.string(), score: z.number(), confidence: z.number() },
  ...{ continuity: z.number(), feedback: z.number(), semantic: z.number() },
});
const decision = z.object({
  ...{ route: z.string(), context: texts, tools: z.boolean(), temperature: z.number(), reason: z.string() },
  ...{ isDefault: z.boolean(), traceId: z.string(), scores: z.array(points).nullish() },
});
const choice = z.array(z.object({ name: z.string(), does: z.string() }));
const rules = z.object({
  ...{ routes: texts, fallback: z.string(), context: texts, temperature: z.number(), choice: choice.optional() },
});
const packets = z.array(z.object({ name: z.string(), json }));

/** A quick tool that only reads what it is given. */
const between = { quick: true, risk: 'read_only', effect: 'none' } as const;

export const turnDecide = defineTool({
  ...{ ...between, name: 'turn-decide', description: 'Holds what the router said to the routes that there are.' },
  ...{ input: z.object({ said: json, rules, turn: turn.optional() }), output: decision },
  handle({ said, rules, turn }, { traceId }) {
    const { choice } = rules;
    const selected = choice === undefined || turn === undefined ? null : selectRoute(said, choice, turn);
    const { context, ...decided } = decideRoute(selected?.said ?? said, rules);
    return { ...decided, context: [...context], traceId, scores: selected === null ? null : [...selected.scores] };
  },
});

export const turnRoute = defineTool({
  ...{ ...between, name: 'turn-route', description: 'Says which route has the turn now.' },
  ...{ input: z.object({ decision, previous: json }), output: z.object({ route: z.string() }) },
  handle: ({ decision, previous }) => {
    const handed = z.object({ route: z.string() }).safeParse(previous);
    return { route: handed.success ? handed.data.route : decision.route };
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

const handoff = z.object({ to: z.string(), reason: z.string() });
/** What came of a round. */
const said = z.object({ reply: z.string().nullable(), isCanary: z.boolean(), handoff: handoff.nullish() });
const verdict = said.omit({ handoff: true }).extend({
  ...{ score: z.number().nullable(), notes: z.string().nullable(), revisions: z.int(), temperature: z.number() },
  ...{ done: z.boolean(), tried: z.boolean(), canaryFailure: z.string().nullable() },
  /** Who has the turn, and who had it before. */
  ...{ route: z.string(), handoffs: z.array(handoff.extend({ from: z.string() })) },
});
type Verdict = z.infer<typeof verdict>;

/** How often the answer was revised before this round: the other rounds were hand-offs. */
function revisionsBefore(iteration: number, previous: Verdict | null): number {
  return iteration - (previous?.handoffs.length ?? 0);
}

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
    const temperature = temperatureOf(decision.temperature, revisionsBefore(iteration, previous));
    const { reply: draft = null, notes = null } = previous ?? {};
    return { text, user, agent, history, context, tools, temperature, draft, notes };
  },
});

export const turnSaid = defineTool({
  ...{ ...between, name: 'turn-said', description: 'Reads what a route says of its output.' },
  ...{ input: z.object({ output: json, isCanary: z.boolean() }), output: said },
  handle: ({ output, isCanary }) => {
    const handoff = handoffIn(output);
    return { reply: handoff === null ? spokenOf(output) : null, isCanary, handoff };
  },
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

const round = z.object({
  ...{ said, review: json, rules: review, iteration: z.int(), temperature: z.number() },
  ...{ tries: z.boolean().nullable(), previous: verdict.nullable(), route: z.string(), routes: texts },
});

export const turnVerdict = defineTool({
  ...{
    ...between,
    name: 'turn-verdict',
    description: 'Says whether the reply stands, is revised, or is left to another.',
  },
  ...{ input: round, output: verdict },
  handle: (given) => {
    const { handoff } = given.said;
    return handoff ? handedOver(given, handoff) : judged(given);
  },
});

/** @throws HandoffCycle, HandoffUnknown */
function handedOver(given: z.infer<typeof round>, { to, reason }: z.infer<typeof handoff>): Verdict {
  const { said, iteration, temperature, tries, previous, route, routes } = given;
  const next = { from: route, to, reason };
  const handoffs = answeringAtOnce(() => withHandoff(previous?.handoffs ?? [], next, routes));
  const notes = `${route} handed this to you${reason === '' ? '.' : `: ${reason}`}`;
  const { isCanary } = said;
  const canary = { isCanary, tried: tries === true, canaryFailure: failureOf(given) };
  const revisions = revisionsBefore(iteration, previous);
  return {
    ...canary,
    reply: null,
    score: null,
    notes,
    revisions,
    temperature,
    done: false,
    route: to,
    handoffs: [...handoffs],
  };
}

function judged(given: z.infer<typeof round>): Verdict {
  const { said, review, rules, iteration, temperature, tries, previous, route } = given;
  const { reply, isCanary } = said;
  const { score, notes, revise } = readReview(review, rules);
  const revisions = revisionsBefore(iteration, previous);
  const done = !revise || revisions >= rules.revisions;
  const unmet = done && revise && isCanary ? 'hard_gate_unmet' : null;
  const canary = { isCanary, tried: tries === true, canaryFailure: failureOf(given) ?? unmet };
  return { ...canary, reply, score, notes, revisions, temperature, done, route, handoffs: previous?.handoffs ?? [] };
}

/** Why the canary of a turn counts as failed so far: the usual route had to answer in its place. */
function failureOf({ said, tries, previous }: z.infer<typeof round>): string | null {
  return tries === true && !said.isCanary ? 'graph_failed_tasks' : (previous?.canaryFailure ?? null);
}

const canary = z.object({ allowed: z.boolean(), reason: z.string(), sample: z.number() });

export const turnEnd = defineTool({
  ...{ ...between, name: 'turn-end', description: 'Says what the turn came to.' },
  input: z.object({ answer: verdict, decision, missing: texts, canary: canary.nullable() }),
  output: z.object({
    ...{ reply: z.string().nullable(), route: z.string(), missing: texts, revisions: z.int() },
    router: decision.extend({ handoffs: verdict.shape.handoffs }),
    ...{ score: z.number().nullable(), canary: canary.extend({ failure: z.string().nullable() }).nullable() },
  }),
  handle: ({ answer, decision, missing, canary }) => {
    const { reply, route, handoffs, revisions, score, canaryFailure: failure } = answer;
    const tried = canary === null ? null : { ...canary, failure };
    return { reply, route, router: { ...decision, handoffs }, missing, revisions, score, canary: tried };
  },
});
