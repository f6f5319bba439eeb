import { readFileSync } from 'node:fs';
import { findActionItems } from '../../agents/channel-digest/findings/action-items.ts';
import { type Conversation, readConversation } from '../../agents/channel-digest/findings/conversation.ts';
import { findDecisions } from '../../agents/channel-digest/findings/decisions.ts';
import { findHighlights } from '../../agents/channel-digest/findings/highlights.ts';
import { findParticipants } from '../../agents/channel-digest/findings/participants.ts';
import { findQuestions } from '../../agents/channel-digest/findings/questions.ts';
import { findSentiment } from '../../agents/channel-digest/findings/sentiment.ts';
import { findTopics } from '../../agents/channel-digest/findings/topics.ts';
import { parseTranscript } from '../../agents/channel-digest/parsing/parse-transcript.ts';
import type { Findings, Transcript } from '../../agents/channel-digest/schemas.ts';

/** What a careful reader finds in each sample: one line of each decision, action (with owner) and open question. */
export interface Gold {
  readonly decisions: readonly number[];
  readonly actions: ReadonlyArray<{ readonly line: number; readonly owner: string | null; readonly due?: string }>;
  readonly openQuestions: readonly number[];
}

export const GOLD: Readonly<Record<string, Gold>> = {
  'standup.txt': {
    decisions: [17, 50, 75, 91, 105, 119],
    actions: [
      { line: 20, owner: 'jonas', due: 'today' },
      { line: 20, owner: 'jonas', due: 'tonight' },
      { line: 29, owner: 'tomas', due: 'tomorrow' },
      { line: 38, owner: 'elif', due: 'Wednesday' },
      { line: 52, owner: 'priya', due: 'Thursday' },
      { line: 54, owner: 'jonas', due: 'Friday noon' },
      { line: 78, owner: 'jonas' },
      { line: 94, owner: 'tomas' },
      { line: 106, owner: 'tomas', due: 'today' },
      { line: 121, owner: 'jonas', due: 'today' },
      { line: 124, owner: 'mara', due: 'this afternoon' },
      { line: 129, owner: 'tomas', due: 'Friday' },
    ],
    openQuestions: [34, 71, 108, 123, 125, 145],
  },
  'planning.jsonl': {
    decisions: [12, 14, 25, 46],
    actions: [
      { line: 19, owner: 'Kofi Mensah', due: 'October 16' },
      { line: 27, owner: 'Lena Vogel', due: 'tomorrow' },
      { line: 32, owner: 'Rafael Lima', due: 'next Wednesday' },
      { line: 38, owner: 'Ines Duarte', due: 'end of the week' },
      { line: 40, owner: 'Kofi Mensah', due: 'Monday' },
    ],
    openQuestions: [15, 30, 47],
  },
  'discord-export.json': {
    decisions: [251, 592],
    actions: [
      { line: 289, owner: 'Bo', due: 'tonight' },
      { line: 377, owner: 'Chidera', due: 'Thursday' },
      { line: 640, owner: 'Ana', due: 'Sunday' },
    ],
    openQuestions: [444, 726],
  },
  'retro.txt': {
    decisions: [24, 38, 56],
    actions: [
      { line: 12, owner: 'Owen', due: 'tomorrow morning' },
      { line: 15, owner: 'Petra' },
      { line: 27, owner: 'Sam', due: 'this afternoon' },
      { line: 32, owner: 'Petra' },
      { line: 41, owner: 'Sam', due: 'tonight' },
      { line: 49, owner: 'Sam' },
      { line: 56, owner: 'Nadia', due: 'Monday' },
    ],
    openQuestions: [13, 33, 58],
  },
  'meeting-notes.md': {
    decisions: [17, 18, 19, 24],
    actions: [
      { line: 26, owner: 'Helen Park', due: 'next week' },
      { line: 33, owner: 'Omar Haddad', due: '15 May' },
      { line: 34, owner: 'Sofia Rossi' },
      { line: 35, owner: 'Ben Clarke' },
      { line: 36, owner: 'Omar Haddad', due: 'end of May' },
    ],
    openQuestions: [40, 41, 42],
  },
};

/** The text of a sample in examples/data. */
export function sampleText(name: string): string {
  return readFileSync(new URL(`../../examples/data/${name}`, import.meta.url), 'utf8');
}

export function sample(name: string): Transcript {
  return parseTranscript(sampleText(name), name);
}

/** Reads a talk given as lines, under a neutral name. */
export function talk(...lines: string[]): Transcript {
  return parseTranscript(lines.join('\n'), 'talk');
}

/** How well findings meet what was wanted: each wanted thing may be met once, each finding may meet one. */
export function match<Found, Wanted>(
  found: readonly Found[],
  wanted: readonly Wanted[],
  meets: (one: Found, other: Wanted) => boolean,
): { precision: number; recall: number } {
  const open = [...wanted];
  let met = 0;
  for (const one of found) {
    const at = open.findIndex((other) => meets(one, other));
    if (at < 0) continue;
    open.splice(at, 1);
    met++;
  }
  return {
    precision: found.length === 0 ? 1 : met / found.length,
    recall: wanted.length === 0 ? 1 : met / wanted.length,
  };
}

const noPace = async () => undefined;

/** A transcript as the analysts of the talk read it. */
export function read(transcript: Transcript): Promise<Conversation> {
  return readConversation(transcript, noPace);
}

/** All that the analysts find, as the composer gets it. */
export async function analyse(transcript: Transcript): Promise<Findings> {
  const conversation = await read(transcript);
  const questions = await findQuestions(conversation);
  return {
    participants: findParticipants(transcript),
    topics: await findTopics(transcript, 6, noPace),
    decisions: await findDecisions(conversation),
    actionItems: await findActionItems(conversation),
    openQuestions: questions.open,
    answeredQuestions: questions.answered,
    sentiment: await findSentiment(transcript, noPace),
    highlights: await findHighlights(transcript, noPace),
  };
}
