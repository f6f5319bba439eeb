import { isJsonObject, type Json, textFault } from '../json.ts';
import type { EntityValues } from '../tasks/run-waits.ts';
import { compilePattern, PatternWork } from './bounded-pattern.ts';
import type { EntityRule } from './definition.ts';
import { nameOf } from './read-unknown.ts';

/** The longest text that is an answer, in characters. */
const MOST_TEXT = 10_000;

/**
 * Why a value is not an answer, as a sentence; null for one that is. `false`, `0` and `""` are answers.
 * @param work shared by all values that are looked at in one go
 */
export function answerFault(
  { name, description, pattern }: EntityRule,
  value: unknown,
  work = new PatternWork(),
): string | null {
  const text = textOf(value);
  const what = description === '' ? `"${name}"` : `"${name}" (${description})`;
  if (text === null || text.length > MOST_TEXT) {
    return `Expected a text of at most ${MOST_TEXT} characters, a number, true or false as ${what}, found ${nameOf(value)}.`;
  }
  const unstorable = textFault(text);
  if (unstorable !== null) return `Expected a text that can be stored as ${what}, found one with ${unstorable}.`;
  if (pattern === undefined) return null;
  const compiled = compilePattern(pattern);
  if (!compiled.ok) return compiled.fault;
  if (!work.allows(compiled.engine, text))
    return `Expected a shorter text as ${what}: its pattern would take too long.`;
  return compiled.engine.test(text) ? null : `Expected ${what} to match ${pattern}, found ${nameOf(value)}.`;
}

/** A value as the text that its pattern has to match; null for one that is no answer. */
function textOf(value: unknown): string | null {
  return typeof value === 'string' || typeof value === 'boolean' || Number.isFinite(value) ? String(value) : null;
}

/** What of an input answers the entities. What does not fit counts as unknown: it is asked for. */
export function knownIn(entities: readonly EntityRule[], input: Json): EntityValues {
  if (!isJsonObject(input)) return {};
  const work = new PatternWork();
  const known = entities.flatMap((entity): [string, Json][] => {
    const value = Object.hasOwn(input, entity.name) ? (input[entity.name] ?? null) : null;
    return answerFault(entity, value, work) === null ? [[entity.name, value]] : [];
  });
  return Object.fromEntries(known);
}

/** The required entities without a value. */
export function missingOf(entities: readonly EntityRule[], known: EntityValues): readonly EntityRule[] {
  return entities.filter(({ name, required }) => required && !Object.hasOwn(known, name));
}

/** What the collector comes to: every entity by its name, null for an optional one without a value. */
export function collected(entities: readonly EntityRule[], known: EntityValues): EntityValues {
  return Object.fromEntries(entities.map(({ name }) => [name, known[name] ?? null]));
}

/** How people are asked for entities: their names, each with its description. */
export function questionFor(missing: readonly EntityRule[]): string {
  return missing.map(({ name, description }) => (description === '' ? name : `${name} (${description})`)).join(', ');
}
