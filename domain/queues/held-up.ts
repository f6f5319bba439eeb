import type { PriorityBand } from '../tasks/priority.ts';
import { limitOfKey, type QueueSettings } from './queue-settings.ts';

/** A waiting task, as the settings of the queue see it. */
export interface QueuedTask {
  readonly priority: PriorityBand;
  /** Its concurrency keys, and how many slots of each are held. */
  readonly slots: readonly { readonly key: string; readonly held: number }[];
}

/** A pause, or a full concurrency key. `waitsFor` is the end of a sentence "waits for …". */
export type HoldUp =
  | { readonly kind: 'paused'; readonly waitsFor: string }
  | { readonly kind: 'slot'; readonly waitsFor: string; readonly key: string };

/** What holds a waiting task up; null when the settings let it start. */
export function heldUpBy({ priority, slots }: QueuedTask, settings: QueueSettings): HoldUp | null {
  const targets = [`band:${priority}`, ...slots.map(({ key }) => key)];
  const paused = targets.find((target) => settings.paused.includes(target));
  if (paused !== undefined) {
    const [kind, ...name] = paused.split(':');
    return { kind: 'paused', waitsFor: `a resume: its ${kind} "${name.join(':')}" is paused` };
  }
  const full = slots.find(({ key, held }) => held >= (limitOfKey(settings, key) ?? Number.POSITIVE_INFINITY));
  if (full === undefined) return null;
  const { key } = full;
  return { kind: 'slot', key, waitsFor: `a free slot of ${key}, whose limit is ${limitOfKey(settings, key)}` };
}
