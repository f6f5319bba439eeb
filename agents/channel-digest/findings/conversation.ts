import { type Pace, readSentences } from '../language/read-sentences.ts';
import type { Sentence } from '../language/sentences.ts';
import { personCalled } from '../parsing/roster.ts';
import type { Person, Transcript, Utterance } from '../schemas.ts';

/** Where the name of the addressee is: in front, with a comma or before "can you", or at the end. */
const ADDRESSES: readonly RegExp[] = [
  /^(?:(?:ok|okay|and|so|hey|hi|also|thanks|sorry)[, ]+)*(\p{L}[\p{L}\p{N}_-]*)(?:\s*[,:–—-]\s|\s(?=(?:can|could|would|will) you\b|please\b))/iu,
  /[,\s](\p{L}[\p{L}\p{N}_-]*)\s*\?[^\p{L}]*$/iu,
  /,\s*(\p{L}[\p{L}\p{N}_-]*)\s*[.!]*$/iu,
];

/** One utterance with its first sentences, by which a reply is judged; never empty. */
export interface Turn {
  readonly utterance: Utterance;
  readonly sentences: readonly Sentence[];
  readonly speaker: string | null;
}

/** Sentences of one utterance that count as its reply: bounds the work on an utterance of megabytes. */
const HEARD = 50;

/** Reads a transcript as a conversation; calls `pace` between pieces of the work. */
export async function readConversation(transcript: Transcript, pace: Pace): Promise<Conversation> {
  return new Conversation(transcript, await readSentences(transcript, pace), pace);
}

/** The talk as turns, with the question every analyst asks of it: what came after this, and who was meant. */
export class Conversation {
  readonly people: readonly Person[];
  readonly sentences: readonly Sentence[];
  readonly pace: Pace;
  private readonly turns: readonly Turn[];
  private readonly positions: ReadonlyMap<number, number>;
  private readonly replies: ReadonlyMap<number, readonly number[]>;

  constructor(transcript: Transcript, sentences: readonly Sentence[], pace: Pace) {
    this.people = transcript.people;
    this.sentences = sentences;
    this.pace = pace;
    const grouped = Map.groupBy(sentences, ({ utterance }) => utterance.index);
    this.turns = [...grouped.values()].flatMap((said) => {
      const first = said[0];
      const heard = said.slice(0, HEARD);
      return first === undefined ? [] : [{ utterance: first.utterance, sentences: heard, speaker: first.speaker }];
    });
    this.positions = new Map(this.turns.map(({ utterance }, at) => [utterance.index, at]));
    this.replies = this.explicitReplies();
  }

  /**
   * What follows an utterance: the next `count` turns, and replies to it from further on where the source links them.
   * A turn that answers some other utterance explicitly is not among them.
   */
  after(utterance: Utterance, count: number): Turn[] {
    const start = (this.positions.get(utterance.index) ?? this.turns.length) + 1;
    const linked = this.replies.get(utterance.index) ?? [];
    const near = this.turns.slice(start, start + count).filter(({ utterance: next }) => {
      const answered = next.replyTo;
      return answered === null || answered === utterance.index;
    });
    const far = linked.flatMap((at) => (at >= start + count ? (this.turns[at] ?? []) : []));
    return [...near, ...far];
  }

  /** The `count` turns before an utterance, nearest first; the utterance that it answers comes before all others. */
  before(utterance: Utterance, count: number): Turn[] {
    const at = this.positions.get(utterance.index) ?? 0;
    const near = this.turns.slice(Math.max(0, at - count), at).toReversed();
    const answered = utterance.replyTo === null ? undefined : this.positions.get(utterance.replyTo);
    const turn = answered === undefined ? undefined : this.turns[answered];
    return turn === undefined ? near : [turn, ...near.filter((other) => other !== turn)];
  }

  /** How many turns lie between two utterances. */
  distance(from: Utterance, to: Utterance): number {
    return Math.abs((this.positions.get(to.index) ?? 0) - (this.positions.get(from.index) ?? 0));
  }

  /** The person whom a sentence addresses by @name, by name before a comma, or by name at its end; else null. */
  addressee(sentence: Sentence): string | null {
    const { said } = sentence;
    const mentioned = /@([\p{L}\p{N}_.-]*[\p{L}\p{N}_])/u.exec(said)?.[1];
    if (mentioned !== undefined) return personCalled(this.people, mentioned);
    const named = ADDRESSES.flatMap((address) => personCalled(this.people, address.exec(said)?.[1] ?? '') ?? []);
    return named[0] ?? this.calledAlone(sentence);
  }

  /** "next is the mobile build. Elif?": the name is alone, in a separate sentence after the matter. */
  private calledAlone(sentence: Sentence): string | null {
    const next = this.sentences[sentence.index + 1];
    const alone =
      next?.utterance !== sentence.utterance ? undefined : /^(\p{L}[\p{L}\p{N}_-]*)\s*\?+$/u.exec(next.said)?.[1];
    return alone === undefined ? null : personCalled(this.people, alone);
  }

  private explicitReplies(): Map<number, number[]> {
    const replies = new Map<number, number[]>();
    this.turns.forEach(({ utterance }, at) => {
      if (utterance.replyTo === null) return;
      const known = replies.get(utterance.replyTo);
      if (known === undefined) replies.set(utterance.replyTo, [at]);
      else known.push(at);
    });
    return replies;
  }
}
