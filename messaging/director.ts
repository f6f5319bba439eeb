import { errorMessage, hasErrorCode } from '../domain/errors.ts';
import type { Json, JsonObject } from '../domain/json.ts';
import { DIRECTOR_INTENTS, delegate } from '../domain/messaging/delegation.ts';
import { MessageInvalid } from './messaging-errors.ts';
import type { Messenger } from './messenger.ts';
import type { Speaker } from './sender.ts';

export interface DirectOptions {
  /** How long to wait for each answer. @defaultValue 10000 */
  readonly timeoutMs?: number;
  /** Intents and the roles or names of agents that answer them, beside or instead of those that Muster knows. */
  readonly intents?: Readonly<Record<string, readonly string[]>>;
}

/** What came of an intent. */
export interface Direction {
  readonly intent: string;
  /** `complete`: everybody who was wanted has answered; `partial`: somebody has; `none`: nobody has. */
  readonly outcome: 'complete' | 'partial' | 'none';
  readonly answers: readonly { readonly agent: string; readonly answer: Json }[];
  /** Roles for which no agent is alive, and agents that did not answer, with the reason. */
  readonly missing: readonly { readonly wanted: string; readonly code: string; readonly reason: string }[];
}

/** Of urgent but not critical work. */
const PRIORITY = 2;

/**
 * Asks the agents that serve an intent, all at once, and combines the answers that arrive in time. An agent that fails
 * or is silent is named, and keeps the others' answers from nobody.
 * @throws MessageInvalid for an intent that nobody knows, and what a request throws before it is stored
 */
export async function direct(
  { sender, directory }: Pick<Messenger, 'sender' | 'directory'>,
  speaker: Speaker,
  { intent, payload, timeoutMs = 10_000, intents = {} }: { intent: string; payload: JsonObject } & DirectOptions,
): Promise<Direction> {
  const known: Readonly<Record<string, readonly string[]>> = { ...DIRECTOR_INTENTS, ...intents };
  const wanted = Object.hasOwn(known, intent) ? known[intent] : undefined;
  if (wanted === undefined) {
    throw new MessageInvalid(
      `no agent serves the intent "${intent}". Known intents: ${Object.keys(known).join(', ')}.`,
    );
  }
  const { asked, absent } = delegate(wanted, await directory.withMailbox(speaker.tenant));
  const ends = await Promise.all(
    asked.map((agent) =>
      sender
        .request(speaker, { to: agent, payload: { ...payload, intent } }, { timeoutMs, priority: PRIORITY })
        .then((answer) => ({ agent, answer, error: null }))
        .catch((error: unknown) => ({ agent, answer: null, error })),
    ),
  );
  const answers = ends.flatMap(({ agent, answer, error }) => (error === null ? [{ agent, answer }] : []));
  const silent = ends.flatMap(({ agent, error }) =>
    error === null ? [] : [{ wanted: agent, code: codeOf(error), reason: errorMessage(error) }],
  );
  const missing = [
    ...absent.map((role) => ({ wanted: role, code: 'agent_unknown', reason: 'No such agent is alive.' })),
    ...silent,
  ];
  return { intent, outcome: outcomeOf(answers.length, missing.length), answers, missing };
}

function outcomeOf(answers: number, missing: number): Direction['outcome'] {
  if (missing === 0) return 'complete';
  return answers === 0 ? 'none' : 'partial';
}

function codeOf(error: unknown): string {
  return hasErrorCode(error) ? error.code : 'handler_failed';
}
