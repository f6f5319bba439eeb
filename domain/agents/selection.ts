/** By how much the turns before, and the words of an input, move the choice of an agent. Confidences are 0 to 1. */
export const SELECTION = {
  /** Of a candidate of which nobody says how suited it is. */
  confidence: 0.65,
  /** From here on a choice counts as sure. */
  high: 0.85,
  /** Nobody below it is chosen. */
  min: 0.3,
  /** No score is above it. */
  max: 0.9,
  /** For who answered last. */
  continuity: 0.15,
  /** For who was complained about. */
  negativeFeedback: -0.2,
  /** How much it counts that the words of the input are those of what a candidate does. */
  semanticWeight: 0.1,
  /** How many turns are looked back. */
  turns: 5,
} as const;

/** Who may be chosen. */
export interface SelectionCandidate {
  readonly name: string;
  /** What it does, for people and models. */
  readonly does: string;
  /** How suited it is: 0 to 1. Null where nobody says. */
  readonly confidence: number | null;
}

/** A turn before this one. */
export interface AnsweredTurn {
  /** Who answered; null where nobody knows. */
  readonly agent: string | null;
  /** Whether what was said next complained about the answer. */
  readonly complained: boolean;
}

export interface SelectionScore {
  readonly name: string;
  /** 0 to 0.9: the confidence with what moved it. */
  readonly score: number;
  readonly confidence: number;
  readonly continuity: number;
  readonly feedback: number;
  readonly semantic: number;
}

export interface Selection {
  /** Null where no candidate reaches the least score. */
  readonly chosen: string | null;
  readonly isSure: boolean;
  /** The best first; of equal ones in the order of the candidates. */
  readonly scores: readonly SelectionScore[];
}

/**
 * Chooses who answers an input. A follow-up stays with who answered last, unless another is clearly better suited; a complaint
 * moves it away, and counts for as many turns as are looked back. The same input always gets the same choice.
 * @param turns the turns before, oldest first
 */
export function selectAgent(
  text: string,
  candidates: readonly SelectionCandidate[],
  turns: readonly AnsweredTurn[],
): Selection {
  const recent = turns.slice(-SELECTION.turns);
  const scores = candidates
    .map((candidate) => scoreOf(text, candidate, recent))
    .toSorted((one, other) => other.score - one.score);
  const [best] = scores;
  const chosen = best !== undefined && best.score >= SELECTION.min ? best.name : null;
  return { chosen, isSure: best !== undefined && best.score >= SELECTION.high, scores };
}

function scoreOf(
  text: string,
  { name, does, confidence: given }: SelectionCandidate,
  recent: readonly AnsweredTurn[],
): SelectionScore {
  const confidence = given ?? SELECTION.confidence;
  const continuity = recent.at(-1)?.agent === name ? SELECTION.continuity : 0;
  const isBlamed = recent.some(({ agent, complained }) => agent === name && complained);
  const feedback = isBlamed ? SELECTION.negativeFeedback : 0;
  const semantic = rounded(SELECTION.semanticWeight * likeness(text, does));
  const score = rounded(Math.min(SELECTION.max, Math.max(0, confidence + continuity + feedback + semantic)));
  return { name, score, confidence, continuity, feedback, semantic };
}

/** Sums of such fractions are not exact, and two scores that are the same are to compare as such. */
function rounded(value: number): number {
  return Math.round(value * 1_000) / 1_000;
}

const WORD = /\p{L}{4,}/gu;

/** Which part of the longer words of a text stand in what a candidate does: 0 to 1. */
function likeness(text: string, does: string): number {
  const known = new Set(wordsOf(does));
  const said = [...new Set(wordsOf(text))];
  return said.length === 0 ? 0 : said.filter((word) => known.has(word)).length / said.length;
}

function wordsOf(text: string): readonly string[] {
  return text.slice(0, MOST_CHARACTERS).toLowerCase().match(WORD) ?? [];
}

const MOST_CHARACTERS = 10_000;

const COMPLAINT =
  /\b(?:(?:that|this|it)(?:'s| is| was) (?:wrong|incorrect|useless|not (?:right|true|what i))|not what i (?:asked|meant|wanted)|you (?:misunderstood|are wrong)|you're wrong|wrong answer|(?:did|does)(?:n't| not) help)\b/i;

/** Whether a text complains about the answer before it, by the usual English phrases. A router may know better. */
export function complains(text: string): boolean {
  return COMPLAINT.test(text.slice(0, MOST_CHARACTERS));
}
