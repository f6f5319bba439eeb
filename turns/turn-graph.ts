import type { HandlerReference } from '../domain/agents/define-handler.ts';
import type { Schema } from '../domain/agents/handler.ts';
import { defineGraph } from '../domain/graphs/define-graph.ts';
import type { Graph } from '../domain/graphs/defined-graph.ts';
import type { GraphSpec, NodeSpec } from '../domain/graphs/graph-spec.ts';
import type { PointerTo, SourceSpec } from '../domain/graphs/source-spec.ts';
import type { Json } from '../domain/json.ts';
import { operation } from '../operations/as-tool.ts';
import { roundInput, turnInput } from './turn-input.ts';
import type { CheckedTurn, Route } from './turn-options.ts';
import {
  turnBrief,
  turnDecide,
  turnEnd,
  turnGather,
  turnReply,
  turnRoute,
  turnSaid,
  turnVerdict,
} from './turn-tools.ts';

type Nodes = Record<string, NodeSpec>;
type Sources = Record<string, SourceSpec<string>>;

/** One try: a turn is not to wait for what fails. */
const ONE_TRY = { maxRetries: 0 };
/** How long a router, a provider of context and a critic may take, and one that answers; a thinking agent by its own limits. */
const ROUTER = { ...ONE_TRY, timeoutMs: 45_000 };
const PROVIDER = { maxRetries: 1, timeoutMs: 30_000 };
const CRITIC = { ...ONE_TRY, timeoutMs: 60_000 };
const ANSWER = { maxRetries: 1, timeoutMs: 300_000 };
/** A draft and two revisions; and a round for each hand-off, none of which goes back. */
const mostRounds = ({ routes }: CheckedTurn) => 3 + routes.length - 1;

const literal = (value: Json) => ({ value });
const perhaps = (pointer: PointerTo<string>) => ({ pointer, optional: true }) as const;

/** The graph of a turn, of kinds that every graph has. */
export function turnGraph(turn: CheckedTurn): Graph {
  const { name, description, canary } = turn;
  const nodes: Nodes = { ...routing(turn), ...gathering(turn), ...(canary === null ? {} : asking(canary)) };
  const tries = canary === null ? literal(false) : perhaps('/nodes/canary/allowed');
  nodes.answer = {
    ...{
      objective: 'Answers, and revises while the critic wants it.',
      repeat: roundGraph(turn),
      most: mostRounds(turn),
    },
    until: { pointer: '/output/done', is: 'truthy' },
    input: { turn: '/task', packets: '/nodes/gather/packets', decision: '/nodes/decide', tries },
  };
  if (canary !== null) Object.assign(nodes, recording(canary));
  const answer: Sources = { answer: '/nodes/answer', decision: '/nodes/decide', missing: '/nodes/gather/missing' };
  nodes.end = {
    tool: asTool(turnEnd),
    input: { ...answer, canary: canary === null ? literal(null) : perhaps('/nodes/canary') },
    ...(canary === null ? {} : { afterAny: ['record'] }),
  };
  return graphOf({ name, description, input: turnInput, nodes, output: '/nodes/end', width: WIDTH });
}

/** Providers run side by side. */
const WIDTH = 16;

function routing({ router, routes, fallback, context, temperature, selection }: CheckedTurn): Nodes {
  const names = routes.map((route) => route.name);
  const choice = routes.map(({ name, target }) => ({ name, does: descriptionOf(target) }));
  const plain = { routes: names, fallback, context: context.map((one) => one.name), temperature };
  const rules = selection ? { ...plain, choice } : plain;
  const decide = (said: SourceSpec<string>) => {
    const input: Sources = { said, rules: literal(rules), ...(selection ? { turn: '/task' } : {}) };
    return { tool: asTool(turnDecide), input };
  };
  if (router === null) {
    const said = selection ? null : { route: fallback, reason: 'there is no router' };
    return { decide: decide(literal(said)) };
  }
  return {
    route: {
      ...{ agent: router, budget: ROUTER },
      input: { text: '/task/text', history: '/task/history', routes: literal(choice), context: literal(rules.context) },
    },
    decide: decide(perhaps('/nodes/route')),
  };
}

/** Those that the router wants, the first one in any case: it does not wait for the router. One that fails is missing. */
function gathering({ context, router }: CheckedTurn): Nodes {
  const nodes: Nodes = {};
  for (const [index, { name, agent }] of context.entries()) {
    const input: Sources = { text: '/task/text', history: '/task/history', user: '/task/user' };
    const isAsked = router !== null && index > 0;
    if (isAsked)
      nodes[`asks-${name}`] = { condition: { pointer: '/nodes/decide/context', is: 'contains', value: name } };
    nodes[`context-${name}`] = {
      agent,
      input,
      budget: PROVIDER,
      ...(isAsked ? { when: { [`asks-${name}`]: 'true' } } : {}),
    };
  }
  const packets = context.map(({ name }) => [name, perhaps(`/nodes/context-${name}`)]);
  nodes.gather = { tool: asTool(turnGather), input: Object.fromEntries(packets) };
  return nodes;
}

function asking({ name, percent, routes }: NonNullable<CheckedTurn['canary']>): Nodes {
  const rules = {
    canary: literal(name),
    percent: literal(percent),
    routes: literal(routes.map((route) => route.name)),
  };
  const input: Sources = { ...rules, route: '/nodes/decide/route', traceId: '/nodes/decide/traceId' };
  return { canary: { tool: asTool(operation('canaries.decide')), input } };
}

/** What came of the canary is noted before the turn ends; a turn does not fail because it cannot be. */
function recording({ name, budget }: NonNullable<CheckedTurn['canary']>): Nodes {
  const limits = Object.entries(budget).map(([limit, value]) => [limit, literal(value)]);
  const input = { canary: literal(name), failure: '/nodes/answer/canaryFailure', ...Object.fromEntries(limits) };
  return {
    'was-tried': { condition: { pointer: '/nodes/answer/tried', is: 'truthy' } },
    record: { tool: asTool(operation('canaries.record')), input, when: { 'was-tried': 'true' } },
  };
}

/** One round: the route answers, and the critic judges. */
function roundGraph({ name, routes, canary, critic }: CheckedTurn): Graph {
  const nodes: Nodes = {
    current: { tool: asTool(turnRoute), input: { decision: '/task/decision', previous: '/task/previous' } },
    brief: {
      tool: asTool(turnBrief),
      input: {
        ...{ turn: '/task/turn', packets: '/task/packets', decision: '/task/decision' },
        ...{ iteration: '/task/iteration', previous: '/task/previous' },
      },
    },
  };
  const candidates = new Map(canary?.routes.map((route) => [route.name, route]));
  for (const route of routes) Object.assign(nodes, routeNodes(route, candidates.get(route.name)));
  const replies = [...candidates.keys()].map((route) => [`try-${route}`, perhaps(`/nodes/tried-${route}`)]);
  replies.push(...routes.map((route) => [route.name, perhaps(`/nodes/said-${route.name}`)]));
  nodes.reply = { tool: asTool(turnReply), input: Object.fromEntries(replies) };
  if (critic !== null) Object.assign(nodes, criticNodes(critic));
  nodes.verdict = {
    tool: asTool(turnVerdict),
    input: {
      ...{ said: '/nodes/reply', review: critic === null ? literal(null) : perhaps('/nodes/critic') },
      ...{
        rules: literal({ minScore: critic?.minScore ?? 0, revisions: critic?.revisions ?? 0 }),
        tries: '/task/tries',
      },
      ...{ iteration: '/task/iteration', temperature: '/nodes/brief/temperature', previous: '/task/previous' },
      ...{ route: '/nodes/current/route', routes: literal(routes.map((route) => route.name)) },
    },
  };
  return graphOf({ name: `${name}-round`, input: roundInput, nodes, output: '/nodes/verdict' });
}

/**
 * A route. Its failure fails the turn, because what reads its output needs it; the failure of its canary does not: then the
 * route itself is taken.
 */
function routeNodes({ name, target }: Route, candidate: Route | undefined): Nodes {
  const isTaken = { pointer: '/nodes/current/route', is: 'equals', value: name } as const;
  const nodes: Nodes = {};
  const isTried = { pointer: `/nodes/try-${name}`, is: 'exists' } as const;
  if (candidate !== undefined) {
    nodes[`tries-${name}`] = { condition: { all: [isTaken, { pointer: '/task/tries', is: 'truthy' }] } };
    nodes[`try-${name}`] = { ...answering(candidate.target), when: { [`tries-${name}`]: 'true' } };
    nodes[`came-${name}`] = { condition: isTried };
    const input = { output: perhaps(`/nodes/try-${name}`), isCanary: literal(true) };
    nodes[`tried-${name}`] = { tool: asTool(turnSaid), input, when: { [`came-${name}`]: 'true' } };
  }
  nodes[`takes-${name}`] = { condition: candidate === undefined ? isTaken : { all: [isTaken, { not: isTried }] } };
  nodes[`answer-${name}`] = { ...answering(target), when: { [`takes-${name}`]: 'true' } };
  nodes[`said-${name}`] = {
    tool: asTool(turnSaid),
    input: { output: `/nodes/answer-${name}`, isCanary: literal(false) },
  };
  return nodes;
}

/** A reply that says nothing is not judged, nor one of a route that the critic does not look at. */
function criticNodes({ agent, routes }: NonNullable<CheckedTurn['critic']>): Nodes {
  const looked = routes.map((value) => ({ pointer: '/nodes/current/route', is: 'equals', value }) as const);
  const input: Sources = { text: '/task/turn/text', history: '/task/turn/history', reply: '/nodes/reply/reply' };
  return {
    'is-judged': { condition: { all: [{ pointer: '/nodes/reply/reply', is: 'truthy' }, { any: looked }] } },
    critic: { agent, input, budget: CRITIC, when: { 'is-judged': 'true' } },
  };
}

function answering(target: Route['target']): NodeSpec {
  return 'definition' in target
    ? { graph: target, input: '/nodes/brief' }
    : { agent: target, input: '/nodes/brief', budget: ANSWER };
}

function descriptionOf(target: Route['target']): string {
  return 'definition' in target ? target.definition.description : target.description;
}

function asTool(tool: object): HandlerReference & { readonly kind: 'tool' } {
  return tool as HandlerReference & { readonly kind: 'tool' };
}

/** The nodes are made by a program: the compiler cannot check each against the names of the others; the definition does. */
function graphOf(spec: Omit<GraphSpec<Nodes, Schema<unknown>>, 'nodes'> & { readonly nodes: Nodes }): Graph {
  return defineGraph(spec as unknown as GraphSpec<Record<never, never>, Schema<unknown>>);
}
