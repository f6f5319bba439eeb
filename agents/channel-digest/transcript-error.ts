/**
 * Says that the text handed in cannot be digested: it is empty, has no content, or is a chat export with a broken
 * record. The message names the line, what was expected there and what to do. Repeating the call never helps.
 */
export class TranscriptError extends Error {
  /** The line of the fault in the source, counted from 1; null when the whole text is at fault. */
  readonly line: number | null;

  constructor(message: string, line: number | null = null, options?: { cause?: unknown }) {
    super(message, options);
    this.name = 'TranscriptError';
    this.line = line;
  }
}
