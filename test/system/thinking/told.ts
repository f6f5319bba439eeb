import type { TaskEvent, TextEvent } from '../../../index.ts';
import type { WrittenScript } from '../../../providers/scripted/script.ts';

/** What someone is told who watches a task. */
export type Told = TaskEvent | TextEvent;

type Turn = WrittenScript['turns'][number];
type Chunk = string | { pauseMs: number };

/** A turn for the task about this. */
export function turn(about: string, answer: Turn['answer']): Turn {
  return { expect: { contains: `"about":"${about}"` }, answer };
}

/** Words that come one by one. */
export function slowly(words: number): Chunk[] {
  return Array.from({ length: words }, (_, word): Chunk[] => [`wörd ${word} 😀 `, { pauseMs: 20 }]).flat();
}

export function isText(event: Told): event is TextEvent {
  return 'step' in event;
}

/** The texts of the calls of a run, as someone has them who listens until the end. */
export function heard(events: readonly Told[]): string[] {
  const texts: string[] = [];
  for (const event of events.filter(isText)) {
    if (event.type === 'text.restarted') texts[event.step - 1] = '';
    if (event.type === 'text.added') texts[event.step - 1] = (texts[event.step - 1] ?? '') + event.text;
  }
  return texts;
}

/** The types of events in their order; pieces of a text that follow each other count as one. */
export function typesOf(events: readonly Told[]): string[] {
  const types = events.map(({ type }) => type);
  return types.filter((type, at) => type !== 'text.added' || types[at - 1] !== 'text.added');
}

/** Listens until the end, or until `until` says that it is enough. */
export async function collect(
  events: AsyncIterable<Told>,
  until: (event: Told, all: readonly Told[]) => boolean | Promise<boolean> = () => false,
): Promise<Told[]> {
  const all: Told[] = [];
  for await (const event of events) {
    all.push(event);
    if (await until(event, all)) break;
  }
  return all;
}
