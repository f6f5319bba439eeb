import { parseTranscript, type ReadOptions } from '../../../agents/channel-digest/parsing/parse-transcript.ts';
import type { Transcript } from '../../../agents/channel-digest/schemas.ts';

/** What people said, as `[time, speaker, text]`, without bots and the system. */
export function said({ utterances }: Transcript): Array<[string | null, string | null, string]> {
  return utterances.flatMap(({ time, speaker, text, automated }) => (automated ? [] : [[time, speaker, text]]));
}

/** Reads a text given as lines, under a neutral name. */
export function readLines(...lines: string[]): Transcript {
  return parseTranscript(lines.join('\n'), 'talk.txt');
}

/** Reads a document as the JSON file of a chat. */
export function readJson(document: unknown, options?: ReadOptions): Transcript {
  return parseTranscript(JSON.stringify(document, null, 1), 'chat.json', options);
}

/** The notices of one kind. */
export function noticesOf({ notices }: Transcript, wanted: Transcript['notices'][number]['code']): string[] {
  return notices.flatMap(({ code, text }) => (code === wanted ? [text] : []));
}
