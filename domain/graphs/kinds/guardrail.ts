import { buildMapping } from '../build-mapping.ts';
import type { GuardrailNode, GuardrailRules, JudgeRule, Topics } from '../definition.ts';
import { readMapping } from '../read-mapping.ts';
import { at, note, type Place, readList, readObject, readRecord, readText } from '../read-unknown.ts';
import { fold, phrasesIn } from './find-phrase.ts';
import type { KindRules } from './kind-rules.ts';
import { readModel } from './llm.ts';
import { failed, PURE, textOf } from './pure-node.ts';

const MAX_PHRASES = 500;
const MAX_PHRASE_LENGTH = 200;

/** A guardrail lets the text of its input pass, or fails by the name of the rule. Its output is `{ passed: true }`. */
export const guardrail: KindRules<GuardrailNode> = {
  ...PURE,
  property: 'guardrail',
  written: ['input'],
  objective: 'Holds a text to rules.',
  build: (spec) => ({ ...withJudge(spec.guardrail ?? {}), input: buildMapping(spec.input) }),
  fields: ['guardrail', 'input'],
  optional: ['handler'],
  parse: (field) => ({ ...withJudge(readRules(...field('guardrail'))), input: readMapping(...field('input')) }),
  drive: ({ handler }) => (typeof handler === 'string' ? 'thinking' : 'inline'),
  plan: { input: { fields: {} }, guardrail: {} },
  guards: true,
  evaluate: (node, document) => {
    const read = textOf(node, document);
    if (!read.ok) return read;
    const folded = fold(read.text);
    if (folded === null)
      return failed('handler_input_invalid', 'Its text has too many characters that stand for several.');
    const broken = brokenRule(node.guardrail, folded);
    return broken === null ? { ok: true, output: { passed: true } } : failed('guardrail_blocked', broken);
  },
};

/** The model of its judge is what it needs of a worker, as that of an llm. */
function withJudge(guardrail: GuardrailRules): Pick<GuardrailNode, 'guardrail' | 'handler'> {
  const { judge } = guardrail;
  return judge === undefined ? { guardrail } : { handler: judge.model, guardrail };
}

/** The first rule that a folded text breaks, by its own words: what the text says beside stays out of logs. */
function brokenRule(rules: GuardrailRules, text: string): string | null {
  const { bannedPhrases = [], prohibitedTopics = {}, serviceBoundaries } = rules;
  const found = phrasesIn(text, phrasesOf(rules));
  const firstOf = (phrases: readonly string[]) => phrases.find((phrase) => found.has(phrase));
  const banned = firstOf(bannedPhrases);
  if (banned !== undefined) return `bannedPhrases: the text has "${banned}".`;
  for (const [topic, phrases] of Object.entries(prohibitedTopics)) {
    const phrase = firstOf(phrases);
    if (phrase !== undefined) return `prohibitedTopics: the text is about "${topic}" ("${phrase}").`;
  }
  if (serviceBoundaries === undefined) return null;
  if (Object.values(serviceBoundaries).some((phrases) => firstOf(phrases) !== undefined)) return null;
  const topics = Object.keys(serviceBoundaries).map((topic) => `"${topic}"`);
  return `serviceBoundaries: the text is about none of ${topics.join(', ')}.`;
}

function readRules(value: unknown, place: Place): GuardrailRules {
  const names = ['bannedPhrases', 'prohibitedTopics', 'serviceBoundaries', 'judge'] as const;
  const rules = readObject(value ?? {}, place, { required: [], optional: names });
  if (rules === null) return {};
  const { bannedPhrases, prohibitedTopics, serviceBoundaries, judge } = rules;
  const read = {
    ...(bannedPhrases === undefined ? {} : { bannedPhrases: readPhrases(bannedPhrases, at(place, names[0])) }),
    ...(prohibitedTopics === undefined ? {} : { prohibitedTopics: readTopics(prohibitedTopics, at(place, names[1])) }),
    ...(serviceBoundaries === undefined
      ? {}
      : { serviceBoundaries: readTopics(serviceBoundaries, at(place, names[2])) }),
    ...(judge === undefined ? {} : { judge: readJudge(judge, at(place, names[3])) }),
  };
  if (Object.keys(read).length === 0) note(place, 'malformed', 'A guardrail needs at least one rule, found none.');
  const count = phrasesOf(read).length;
  if (count > MAX_PHRASES)
    note(place, 'malformed', `Expected at most ${MAX_PHRASES} words and phrases, found ${count}.`);
  return read;
}

function readJudge(value: unknown, place: Place): JudgeRule {
  const { model, question } = readObject(value, place, { required: ['model', 'question'] }) ?? {};
  const text = readText(question, at(place, 'question'));
  if (text.trim() === '' || text.length > MAX_QUESTION) {
    note(at(place, 'question'), 'malformed', `Expected a question of at most ${MAX_QUESTION} characters.`);
  }
  return { model: readModel(model, at(place, 'model')), question: text };
}

const MAX_QUESTION = 2_000;

function phrasesOf({ bannedPhrases = [], prohibitedTopics = {}, serviceBoundaries = {} }: GuardrailRules) {
  return [bannedPhrases, ...Object.values(prohibitedTopics), ...Object.values(serviceBoundaries)].flat();
}

function readTopics(value: unknown, place: Place): Topics {
  const topics = readRecord(value, place, readPhrases);
  if (Object.keys(topics).length === 0) note(place, 'malformed', 'Expected at least one topic, found none.');
  return topics;
}

function readPhrases(value: unknown, place: Place): readonly string[] {
  const phrases = readList(value, place, readPhrase);
  if (phrases.length === 0) note(place, 'malformed', 'Expected at least one word or phrase, found none.');
  return phrases;
}

function readPhrase(value: unknown, place: Place): string {
  const phrase = readText(value, place);
  if (phrase.length > MAX_PHRASE_LENGTH) note(place, 'malformed', `Expected at most ${MAX_PHRASE_LENGTH} characters.`);
  else if (typeof value === 'string' && fold(value) === '') note(place, 'malformed', 'Expected a word or a phrase.');
  return phrase;
}
