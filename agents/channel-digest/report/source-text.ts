import type { Transcript } from '../schemas.ts';

/** One line of the source as the report quotes it. */
export interface SourceLine {
  readonly speaker: string | null;
  readonly text: string;
}

/** What stands on each line of the source on which somebody said something. */
export function sourceText({ utterances }: Pick<Transcript, 'utterances'>): Map<number, SourceLine> {
  const lines = new Map<number, SourceLine>();
  for (const { line, lastLine, speaker: from, directTo, text } of utterances) {
    const speaker = directTo === null ? from : `${from ?? 'somebody'} (to ${directTo} alone)`;
    const parts = lastLine > line ? text.split('\n') : [text];
    parts.forEach((part, at) => {
      if (part.trim() !== '') lines.set(line + at, { speaker, text: part.replace(/\s+/g, ' ').trim() });
    });
  }
  return lines;
}
