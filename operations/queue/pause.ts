import { defineOperation } from '../define.ts';
import { changeQueue, listOf, QUEUE_CHANGE, settingsChanged } from './change-settings.ts';
import { target } from './queue-fields.ts';

export interface TargetInput {
  readonly target: string;
}

/** Starts nothing more of a band, a tenant or a graph until it is resumed; what runs continues. Repeatable. */
export const pauseQueue = defineOperation({
  ...QUEUE_CHANGE,
  name: 'queue.pause',
  summary: 'Starts nothing more of a band, a tenant or a graph.',
  input: { target },
  handle: (call, input: TargetInput) =>
    changeQueue(call, (stored) => ({ ...stored, paused: [...without(stored.paused, input.target), input.target] })),
  audit: (_settings, input) => settingsChanged('queue', { paused: input.target }),
});

/** Undoes {@link pauseQueue}. Repeatable. */
export const resumeQueue = defineOperation({
  ...QUEUE_CHANGE,
  name: 'queue.resume',
  summary: 'Lets a band, a tenant or a graph start again.',
  input: { target },
  handle: (call, input: TargetInput) =>
    changeQueue(call, (stored) => ({ ...stored, paused: without(stored.paused, input.target) })),
  audit: (_settings, input) => settingsChanged('queue', { resumed: input.target }),
});

function without(paused: Parameters<typeof listOf>[0], target: string) {
  return listOf(paused).filter((known) => known !== target);
}
