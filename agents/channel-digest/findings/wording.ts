import type { Sentence } from '../language/sentences.ts';
import type { Utterance } from '../schemas.ts';
import { findDueDate } from './due-date.ts';

/** Where a task ends and reasons, conditions of mind or another thought begin. */
const ASIDE =
  /\s*(?:[,;–—]\s*(?:but|I|we|it|it's|because|since|anyway|then I|after that|so (?:that )?(?:we|I|you|they)|which|unless|I'm|I've|that's|there|he|she|they|you)\b|\s-\s|\s\((?=I\b|we\b)|\.\s|\?\s|!\s|\b(?:because|right after (?:this|that|the (?:meeting|call)))\b).*$/i;
/** Verbs that open a second task after "and". */
const SECOND_TASK =
  /\s*,?\s+(?:and|then|and then|and also)\s+(?=(?:then |also |please )?(?:rerun|run|write|send|test|check|review|update|fix|file|create|open|ask|tell|ping|talk|call|book|order|draft|prepare|add|remove|delete|deploy|announce|publish|schedule|set up|move|share|post|merge|enable|disable|document|measure|report|restart|upload|clean|rotate|verify|migrate)\b)/i;

/** The tasks of one promise or request, each with its own due date cut out of its words. */
export function splitTask(what: string): Array<{ text: string; due: string | null }> {
  const core = what.replace(ASIDE, '');
  return core.split(SECOND_TASK).flatMap((part) => {
    const due = findDueDate(part);
    const text = asTask(due === null ? part : `${part.slice(0, due.start)}${part.slice(due.end)}`).replace(
      /^(?:also|then|please)\s+/i,
      '',
    );
    return text === '' ? [] : [{ text, due: due?.due ?? null }];
  });
}

const LEADING =
  /^(?:(?:ok(?:ay)?|alright|right|so|and|but|also|then|well|yes|yep|great|good|perfect|fine|cool|hm+|btw|oh|ah|just|anyway)\b[,:!.…]*\s+|[-–—•>*]\s*|@[\p{L}\p{N}_.-]+[,:]?\s+|\p{Extended_Pictographic}\uFE0F?\s*)+/iu;
const TRAILING =
  /(?:\s*(?:\p{Extended_Pictographic}\uFE0F?|[:;]-?[)(DP]|\blol\b|\bplease\b|\bthanks?(?: you)?\b|\banyway\b|\bmyself\b|\bthough\b|[,;.!?…–—-])\s*)+$/iu;

/** A sentence in the form of a report: no filler in front, no marks of chat behind, a capital and a full stop. */
export function asStatement(text: string): string {
  const core = bareText(text);
  return core === '' ? '' : `${capitalised(core)}.`;
}

/** The same without capital and full stop, as the second half of "Ann: write the notes". */
function asTask(text: string): string {
  const core = bareText(text);
  return /^[A-Z][a-z]/.test(core) && !/^(?:I|[A-Z]\w*[A-Z])/.test(core)
    ? core.charAt(0).toLowerCase() + core.slice(1)
    : core;
}

/** Whether so little is said that nobody who was not there could make sense of it. */
export function isVague(text: string): boolean {
  const words = text.toLowerCase().match(/[\p{L}\p{N}][\p{L}\p{N}'-]*/gu) ?? [];
  const telling = words.filter((word) => !POINTERS.has(word));
  return telling.length < 1 || (telling.length < 2 && words.length < 3);
}

/** Whether an entry of a list only says that the list is empty. */
export function saysNone(text: string): boolean {
  return /^\W*(?:none|nothing|n\/a|tbd|no (?:decisions?|actions?|action items?))(?: so far| yet| today)?\W*$/i.test(
    text,
  );
}

const POINTERS = new Set(
  `it that this these those them one so do take go with then there now today tomorrow tonight both all the a an i you we
  he she they for and on in to of me us as well right away too also`.split(/\s+/),
);

export function capitalised(text: string): string {
  const first = String.fromCodePoint(text.codePointAt(0) ?? 32);
  return first.toUpperCase() + text.slice(first.length);
}

/** The lines to cite, ascending, each once: of a sentence all that it runs over, of an utterance its first. */
export function linesOf(...places: ReadonlyArray<Sentence | Utterance>): number[] {
  const lines = places.flatMap((place) => {
    const last = 'utterance' in place ? place.lastLine : place.line;
    return Array.from({ length: last - place.line + 1 }, (_, more) => place.line + more);
  });
  return [...new Set(lines)].sort((one, other) => one - other);
}

function bareText(text: string): string {
  return text.trim().replace(LEADING, '').replace(TRAILING, '').replace(/\s+/g, ' ').trim();
}
