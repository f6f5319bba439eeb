const DAY = '(?:mon|tues?|wed(?:nes)?|thur?s?|fri|sat(?:ur)?|sun)(?:day)?s?';
const MONTH =
  '(?:jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sept?(?:ember)?|oct(?:ober)?|nov(?:ember)?|dec(?:ember)?)';
const CLOCK = String.raw`\d{1,2}(?::\d{2})?\s?(?:am|pm|h)\b|\d{1,2}:\d{2}|noon|midnight|lunch`;
const PART = '(?:morning|afternoon|evening|night|noon|eod)';
const DATE = String.raw`\d{4}-\d{2}-\d{2}|${MONTH}\.? \d{1,2}(?:st|nd|rd|th)?|\d{1,2}(?:st|nd|rd|th)?(?: of)? ${MONTH}|\d{1,2}/\d{1,2}(?:/\d{2,4})?|\d{1,2}\.\d{1,2}\.(?:\d{2,4})?|the \d{1,2}(?:st|nd|rd|th)`;
const RELATIVE = `today|tonight|tomorrow(?: ${PART})?|this (?:week|${PART})|next (?:week|month|sprint|${DAY})|(?:the )?(?:end|beginning|middle) of (?:the |this |next )?(?:day|week|month|sprint|quarter|year|${DAY}|${MONTH})|(?:early|mid|late)[ -]${MONTH}|eod|eow|cob|q[1-4]`;
const POINT = `(?:(?:next |this |coming )?${DAY}(?: ${PART})?(?:[, ]+(?:at )?(?:${CLOCK}))?|${RELATIVE}|${DATE}|${CLOCK})`;

const WITH_PREPOSITION = new RegExp(
  String.raw`[,(]?\s*\b(?:due(?: on| by)?:?|by|before|until|till|no later than|not later than|on|for|at|in time for) (?:the )?(?<due>${POINT}|the release|the launch|the demo|the meeting)(?![\p{L}\p{N}-])\)?`,
  'iu',
);
const ALONE = new RegExp(
  String.raw`[,(]?\s*\b(?<due>right (?:away|now)|asap|first thing (?:tomorrow|${DAY})|${RELATIVE})(?![\p{L}\p{N}-])\)?`,
  'iu',
);
const BARE = new RegExp(
  String.raw`^(?:(?:\p{L}+ ){0,2}(?:by|before|until) |on |probably |maybe |say )*(?<due>${POINT}|asap)(?:,? (?:if possible|please|at the latest|ok))*[.!?]*$`,
  'iu',
);

export interface DueDate {
  /** The date in the words of the source: "Friday", "end of the week". Never resolved to a calendar date. */
  readonly due: string;
  /** The place of the phrase in the text, including its preposition. */
  readonly start: number;
  readonly end: number;
}

/** Finds by when something is due, in the words of the text; null when it says nothing. */
export function findDueDate(text: string): DueDate | null {
  const match = WITH_PREPOSITION.exec(text) ?? ALONE.exec(text);
  const due = match?.groups?.due;
  if (match === null || due === undefined) return null;
  return { due, start: match.index, end: match.index + match[0].length };
}

/** A sentence that is nothing but a date, as the answer to "by when?". */
export function bareDueDate(text: string): string | null {
  return BARE.exec(text.trim())?.groups?.due ?? null;
}
