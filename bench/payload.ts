import { randomInt } from 'node:crypto';

const LENGTH = 2_000;
const WORDS =
  `about after again also another answer ask because before both bring build call change close come could day
  decide do each early end every fact few find first give good great group hand hold house if important keep kind know
  large last learn leave less letter life little long look make matter mean meet more most move much must name near need
  never new next night number often old once one open order other own page part people place plan point question quick
  read reason right room run same say second see send set show side small some soon stand start state still story take
  task tell term test than that there thing think this three time together try turn under until use wait way week well
  what when where which while why word work world write year yes yet you young`.split(/\s+/);

/** Two thousand characters of words, another text each time; PostgreSQL makes it about as small as prose. */
export function handedOn(): string {
  let text = '';
  while (text.length < LENGTH) text += `${WORDS[randomInt(WORDS.length)]} `;
  return text.slice(0, LENGTH);
}
