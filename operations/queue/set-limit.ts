import type { JsonObject } from '../../domain/json.ts';
import type { LimitSpan } from '../../domain/queues/queue-settings.ts';
import { defineOperation } from '../define.ts';
import { changeQueue, listOf, QUEUE_CHANGE, settingsChanged, withEntry } from './change-settings.ts';
import { key, numberOrNull, span } from './queue-fields.ts';

export interface SetLimitInput {
  readonly key: string;
  readonly limit: number | null;
  readonly while?: LimitSpan | undefined;
}

/** See {@link Muster.setLimit}. Null takes the limit away. @throws SettingsInvalid */
export const setQueueLimit = defineOperation({
  ...QUEUE_CHANGE,
  name: 'queue.setLimit',
  summary: 'Limits how many tasks with a concurrency key are open at once.',
  input: { key, limit: numberOrNull, while: span },
  handle: (call, input: SetLimitInput) => changeQueue(call, (stored) => withLimit(stored, input)),
  audit: (_settings, { key: name, limit }) => settingsChanged('queue', { limit: name, to: limit }),
});

/** The span of a limit stays when only its number changes, and goes with the limit. */
function withLimit(stored: JsonObject, { key: name, limit, while: wanted }: SetLimitInput): JsonObject {
  const { whileOccupying: known, ...others } = stored;
  const before = listOf(known).includes(name) ? 'occupying' : 'open';
  const kept = limit === null ? 'open' : (wanted ?? before);
  const names = listOf(known).filter((other) => other !== name);
  const whileOccupying = kept === 'occupying' ? [...names, name] : names;
  const limits = withEntry(stored.limits, name, limit);
  return { ...others, limits, ...(whileOccupying.length === 0 ? {} : { whileOccupying }) };
}
