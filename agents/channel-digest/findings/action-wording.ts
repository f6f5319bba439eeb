import { findDueDate } from './due-date.ts';
import { asTask } from './wording.ts';

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
