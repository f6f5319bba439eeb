import { type AnsweredTurn, complains, SELECTION, type SelectionScore, selectAgent } from '../agents/selection.ts';
import { isJsonObject, type Json, type JsonObject } from '../json.ts';

/** A turn as its input has it. */
export interface AskedTurn {
  readonly text: string;
  readonly history: readonly Json[];
}

export interface SelectedRoute {
  /** What the router said, with the route that was selected. */
  readonly said: Json;
  readonly scores: readonly SelectionScore[];
}

/**
 * Selects a route by what the router said and by the turns before. A router that names a route and no confidence is as sure as
 * usual of it, and of no other; one that says nothing leaves all alike.
 */
export function selectRoute(
  said: Json,
  routes: readonly { readonly name: string; readonly does: string }[],
  { text, history }: AskedTurn,
): SelectedRoute {
  const isUsable = isJsonObject(said) && (said.route === undefined || routes.some(({ name }) => name === said.route));
  const given = isUsable ? said : {};
  const candidates = routes.map((route) => ({ ...route, confidence: confidenceIn(given, route.name) }));
  const turns = answeredTurns(history, given.feedback === 'negative' || complains(text));
  const { chosen, scores } = selectAgent(text, candidates, turns);
  if (chosen === null) return { said: null, scores };
  const reason = chosen === given.route ? (given.reason ?? '') : reasonOf(scores);
  return { said: { ...given, route: chosen, reason }, scores };
}

function confidenceIn({ route, confidence, candidates }: JsonObject, name: string): number | null {
  const named = candidates !== undefined && isJsonObject(candidates) ? candidates[name] : undefined;
  if (isConfidence(named)) return named;
  if (route === name) return isConfidence(confidence) ? confidence : null;
  return route !== undefined || named !== undefined ? SELECTION.min : null;
}

function isConfidence(value: Json | undefined): value is number {
  return typeof value === 'number' && value >= 0 && value <= 1;
}

/** Who answered before, and whether the next thing that was said complained. */
function answeredTurns(history: readonly Json[], complainsNow: boolean): readonly AnsweredTurn[] {
  const messages = history.filter(isJsonObject);
  return messages.flatMap(({ role, route }, index) => {
    if (role !== 'assistant') return [];
    const next = messages[index + 1];
    const complained = next === undefined ? complainsNow : typeof next.text === 'string' && complains(next.text);
    return [{ agent: typeof route === 'string' ? route : null, complained }];
  });
}

function reasonOf([best, second]: readonly SelectionScore[]): string {
  if (best === undefined) return '';
  if (best.continuity > 0) return `it answered before (${best.score})`;
  const moved = second?.feedback !== undefined && second.feedback < 0;
  return moved
    ? `the answer of ${second.name} was complained about (${best.score})`
    : `it scores highest (${best.score})`;
}
