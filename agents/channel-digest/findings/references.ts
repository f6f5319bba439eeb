import type { Sentence } from '../language/sentences.ts';
import type { Conversation } from './conversation.ts';
import { decisionCue } from './decision-cues.ts';
import { stanceOfTurn } from './stance.ts';

/** A text that is complete by itself, and the earlier sentence that it quotes for that, if any. */
export interface Resolved {
  readonly text: string;
  readonly context: Sentence | null;
}

const THING =
  /^(?<verb>\p{L}+(?: \p{L}+)?) (?:it|them)(?![\p{L}'-])(?<rest>(?: (?:on|in|for|with|to|at|before|after|as|once|when|from|into|via|by)\b.*)?)$/u;
const MATTER =
  /^(?:\p{L}+ ){1,2}(?:that|this)(?= (?:on|in|for|with|to|at|before|after|as|once|when|from|into|via|by|first|only|out)\b|[.,]?$)/iu;

/**
 * Puts what was meant in the place of "it", from the task given just before (`near`), a proposal, or the subject of
 * the previous turn; and quotes what "that" points to. A text without such a word, or whose word finds nothing, stays.
 */
export function resolve(conversation: Conversation, sentence: Sentence, text: string, near?: string): Resolved {
  const thing = THING.exec(text)?.groups;
  if (thing !== undefined) {
    const object =
      subjectBefore(conversation, sentence) ?? objectOf(near) ?? objectOf(proposalBefore(conversation, sentence));
    return { text: object === null ? text : `${thing.verb ?? ''} ${object}${thing.rest ?? ''}`, context: null };
  }
  const context = MATTER.test(text) ? matterBefore(conversation, sentence) : null;
  if (context === null) return { text, context };
  return { text: `${text.replace(/[.]$/, '')} (“${context.said.replace(/^@[\w.-]+[,:]?\s+/, '')}”)`, context };
}

/** The question just asked, or else the last thing said that was more than a reaction. */
function matterBefore(conversation: Conversation, sentence: Sentence): Sentence | null {
  const turns = conversation.before(sentence.utterance, 3);
  const telling = turns.flatMap((turn) =>
    turn.sentences.filter(({ terms }) => terms.size >= 2).map((said) => ({ said, turn })),
  );
  const asked = telling.find(({ said }) => /\?\W*$/.test(said.plain));
  const told = telling.find(({ turn }) => stanceOfTurn(turn) === 'none');
  return (asked ?? told)?.said ?? null;
}

function proposalBefore(conversation: Conversation, sentence: Sentence): string | undefined {
  const turns = conversation.before(sentence.utterance, 3);
  return turns.flatMap(({ sentences }) => sentences.flatMap((earlier) => decisionCue(earlier)?.what ?? []))[0];
}

/** "the sponsor hasn't answered" – "I can call them"; "is the build green?" – "I'll fix it". */
function subjectBefore(conversation: Conversation, sentence: Sentence): string | null {
  const said = conversation
    .before(sentence.utterance, 1)
    .flatMap(({ sentences }) => sentences.map((earlier) => earlier.said));
  const subjects = said.flatMap(
    (earlier) =>
      /^(?:(?:and|but|so|well|also),? )?(?:(?:is|are|was|were|has|have|does|did|do) )?((?:the|our) [\p{L}-]+)/iu.exec(
        earlier,
      )?.[1] ?? [],
  );
  return subjects[0] ?? null;
}

/** What a task is done to: "the rollback script" of "write a rollback script for the migration". */
function objectOf(task: string | undefined): string | null {
  const object =
    /^\p{L}+(?: (?:on|off|up|out|down))? (?<object>(?:the |a |an |our |their |your )?[\p{L}\p{N}-]+(?: [\p{L}\p{N}-]+){0,3}?)(?:,.*| (?:for|with|after|before|so|when|in|on|at|to|from|and|by|of|until)\b.*)?$/iu.exec(
      task ?? '',
    )?.groups?.object;
  if (object === undefined || /^(?:it|that|this|them|me|you|us)$/i.test(object)) return null;
  return object.replace(/^(?:a|an) /, 'the ');
}
