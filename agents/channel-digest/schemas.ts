import { z } from 'zod';

/** Lines of the source that carry a statement, counted from 1, ascending. */
const lines = z.array(z.int().min(1));

/** One thing that was said or written: a chat message, a paragraph, a list item. */
const utterance = z.object({
  /** Position in the transcript, from 0. */
  index: z.int().min(0),
  /** First and last line of the text in the source, counted from 1. */
  line: z.int().min(1),
  lastLine: z.int().min(1),
  /** Who said it; null in notes and prose. */
  speaker: z.string().nullable().default(null),
  /** When it was said: `2024-03-12T09:15:03`, with a zone where the source has one; `09:15` where it gives no date. */
  time: z.string().nullable().default(null),
  /** Its heading, in notes. */
  section: z.string().nullable().default(null),
  /** Index of the utterance that this one answers, where the source says so. */
  replyTo: z.int().min(0).nullable().default(null),
  /** Written by a bot or by the chat system. */
  automated: z.boolean().default(false),
  /** Holds no words of its own, such as a sticker or a file: the text says in brackets what it is. */
  wordless: z.boolean().default(false),
  /** To whom alone it was sent; null when it was for everybody. */
  directTo: z.string().nullable().default(null),
  /** State of the check box of a list item. */
  checked: z.boolean().nullable().default(null),
  text: z.string().min(1),
});
export type Utterance = z.infer<typeof utterance>;

/** The properties whose defaults are left out where a transcript is stored. */
const DEFAULTED = [
  ...(['speaker', 'time', 'section', 'replyTo'] as const),
  ...(['automated', 'wordless', 'directTo', 'checked'] as const),
] as const;

/** A person who speaks or is addressed, with the lower-case names by which others call them. */
const person = z.object({ name: z.string(), aliases: z.array(z.string()), speaks: z.boolean() });
export type Person = z.infer<typeof person>;

/** What a source can be read as: the exports of chat programs by name, then the general forms. */
const FORMATS = [
  ...(['whatsapp', 'slack', 'telegram', 'discord', 'teams', 'zoom', 'google-chat', 'irc', 'captions'] as const),
  ...(['chat-csv', 'chat-json', 'chat-jsonl', 'chat-text', 'notes'] as const),
] as const;

/**
 * Of what a reader has to be told: `format`: the format was not understood; `language`: what is not analysed;
 * `content`: what holds no words; `private`: what was not sent to everybody; `dates`: how dates were taken; `names`: who
 * could not be named; `lines`: what the numbers count where they are not those of lines.
 */
const NOTICES = ['format', 'language', 'content', 'private', 'dates', 'names', 'lines'] as const;

/** What a reader has to know to judge the digest, as one or two sentences. */
const notice = z.object({ code: z.enum(NOTICES), text: z.string() });
export type Notice = z.infer<typeof notice>;

export const transcript = z.object({
  name: z.string(),
  format: z.enum(FORMATS),
  /** `other` when too few English function words were found: then nothing is claimed about the content. */
  language: z.enum(['english', 'other']),
  /** Part of what people said that the analysis can read, 0 to 1. */
  legibility: z.number().min(0).max(1),
  notices: z.array(notice),
  utterances: z.array(utterance).min(1),
  people: z.array(person),
  statistics: z.object({
    lines: z.int(),
    utterances: z.int(),
    words: z.int(),
    speakers: z.int(),
    firstTime: z.string().nullable(),
    lastTime: z.string().nullable(),
  }),
});
export type Transcript = z.infer<typeof transcript>;

/**
 * A transcript as it is stored and handed on: what an utterance has like most others is left out and comes back when it
 * is read. Of a talk of megabytes that is half.
 */
export const storedTranscript = transcript.transform(({ utterances, ...rest }) => ({
  ...rest,
  utterances: utterances.map(withoutDefaults),
}));

function withoutDefaults(full: Utterance): z.input<typeof utterance> {
  const { index, line, lastLine, text } = full;
  const told = DEFAULTED.filter((name) => full[name] !== null && full[name] !== false);
  return { index, line, lastLine, ...Object.fromEntries(told.map((name) => [name, full[name]])), text };
}

export const participant = z.object({
  name: z.string(),
  messages: z.int(),
  words: z.int(),
  /** Part of all words, 0 to 1. */
  share: z.number(),
  questions: z.int(),
  firstLine: z.int(),
  lastLine: z.int(),
  /** With whom there was an exchange, most first: replies, mentions and direct neighbours in the talk. */
  talksWith: z.array(z.object({ name: z.string(), exchanges: z.int(), line: z.int() })),
});
export type Participant = z.infer<typeof participant>;

export const topic = z.object({
  label: z.string(),
  /** Wordings under which the topic appears, most frequent first. */
  terms: z.array(z.string()),
  mentions: z.int(),
  speakers: z.array(z.string()),
  /** The sentence that says most about it. */
  keySentence: z.string(),
  lines,
});
export type Topic = z.infer<typeof topic>;

export const decision = z.object({
  text: z.string(),
  /** Who stated or proposed it. */
  by: z.string().nullable(),
  /** Who agreed. */
  supporters: z.array(z.string()),
  /** Line of the later decision that replaced this one. */
  replacedAt: z.int().nullable(),
  lines,
});
export type Decision = z.infer<typeof decision>;

const ACTION_STATES = ['open', 'unconfirmed', 'done'] as const;

export const actionItem = z.object({
  text: z.string(),
  /** Null when nobody took it. */
  owner: z.string().nullable(),
  /** The due date in the words of the source. */
  due: z.string().nullable(),
  /** `unconfirmed`: asked of somebody who has not agreed. */
  state: z.enum(ACTION_STATES),
  lines,
});
export type ActionItem = z.infer<typeof actionItem>;

export const openQuestion = z.object({
  text: z.string(),
  askedBy: z.string().nullable(),
  askedOf: z.string().nullable(),
  /** Why it counts as open. */
  reason: z.string(),
  lines,
});
export type OpenQuestion = z.infer<typeof openQuestion>;

const MOODS = ['positive', 'neutral', 'mixed', 'negative'] as const;
const mood = z.enum(MOODS);
export type Mood = (typeof MOODS)[number];

export const sentiment = z.object({
  mood,
  /** Mean of the utterances that show a feeling, −1 to 1; 0 when none does. */
  score: z.number(),
  /** The lines that show it most. */
  lines,
  participants: z.array(z.object({ name: z.string(), mood, score: z.number(), lines })),
  turningPoints: z.array(
    z.object({ line: z.int(), speaker: z.string().nullable(), from: mood, to: mood, text: z.string() }),
  ),
});
export type Sentiment = z.infer<typeof sentiment>;

export const highlight = z.object({
  text: z.string(),
  speaker: z.string().nullable(),
  lines,
  /** How central the sentence is, 0 to 1. */
  score: z.number(),
});
export type Highlight = z.infer<typeof highlight>;

/** What the analysts found, as handed to the composer, the critic and the reviser. */
export const findings = z.object({
  participants: z.array(participant),
  topics: z.array(topic),
  decisions: z.array(decision),
  actionItems: z.array(actionItem),
  openQuestions: z.array(openQuestion),
  answeredQuestions: z.int(),
  sentiment,
  highlights: z.array(highlight),
});
export type Findings = z.infer<typeof findings>;

export const SECTIONS = ['summary', 'decisions', 'actions', 'questions', 'topics', 'mood', 'participants'] as const;
export type Section = (typeof SECTIONS)[number];

/** One sentence of the report with the lines that carry it. */
const statement = z.object({
  section: z.enum(SECTIONS),
  text: z.string(),
  /** The words of the text that the cited lines have to contain; empty for counts. */
  claim: z.string(),
  lines,
});
export type Statement = z.infer<typeof statement>;

export const draft = z.object({
  title: z.string(),
  notices: z.array(notice),
  statements: z.array(statement),
});
export type Draft = z.infer<typeof draft>;

const REASONS = ['missing', 'uncited', 'unsupported', 'redundant', 'too-long'] as const;

/** One fault that the critic found, and the statement to drop or to add. */
const reason = z.object({ code: z.enum(REASONS), detail: z.string(), statement });
export type Reason = z.infer<typeof reason>;

export const review = z.object({ score: z.number().min(0).max(1), reasons: z.array(reason) });
export type Review = z.infer<typeof review>;

/** What a model says of the whole, each sentence with the lines that say it. */
export const summary = z
  .array(z.object({ text: z.string().min(1).max(400), lines: z.array(z.int().min(1)).min(1).max(12) }))
  .min(1)
  .max(7);
export type Summary = z.infer<typeof summary>;

/** What a model thinks of a draft: 0 to 1, and the numbers of the statements that are to go. */
export const verdict = z.object({
  score: z.number().min(0).max(1),
  faults: z.array(z.object({ statement: z.int().min(1), why: z.string().max(300) })).max(40),
});
export type Verdict = z.infer<typeof verdict>;

/** A report that models have made and judged, and in which round. */
export const edition = z.object({ draft, review, round: z.int().min(0) });

export const digest = z.object({
  report: z.string(),
  /** Id of the artifact that holds the report. */
  reportArtifact: z.string(),
  summary: z.array(statement.pick({ text: true, lines: true })),
  participants: z.array(participant),
  topics: z.array(topic),
  decisions: z.array(decision),
  actionItems: z.array(actionItem),
  openQuestions: z.array(openQuestion),
  sentiment,
  quality: z.object({ score: z.number(), revisions: z.int(), reasons: z.array(z.string()) }),
  notices: z.array(notice),
  statistics: transcript.shape.statistics.extend({ format: z.enum(FORMATS), language: transcript.shape.language }),
});
export type Digest = z.infer<typeof digest>;
