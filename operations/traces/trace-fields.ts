import { text, wholeNumber } from '../../options/fields.ts';

/** Which trace of a task. */
export interface TraceInput {
  readonly id: string;
  /** Its number. @defaultValue the newest */
  readonly trace?: number;
}

export const TRACE_FIELDS = { id: text(), trace: wholeNumber({ min: 1, max: 1_000_000 }).optional() };
