import { defineOperation } from '../define.ts';
import { changeQueue, QUEUE_CHANGE, settingsChanged, withEntry } from './change-settings.ts';
import { key, numberOrNull } from './queue-fields.ts';

export interface SetWeightInput {
  readonly tenant: string;
  readonly weight: number | null;
}

/** See {@link Muster.setWeight}. Null gives the tenant the default of 1 again. @throws SettingsInvalid */
export const setQueueWeight = defineOperation({
  ...QUEUE_CHANGE,
  name: 'queue.setWeight',
  summary: "Sets a tenant's share of the starts within a band.",
  input: { tenant: key, weight: numberOrNull },
  handle: (call, { tenant, weight }: SetWeightInput) =>
    changeQueue(call, (stored) => ({ ...stored, weights: withEntry(stored.weights, tenant, weight) })),
  audit: (_settings, { tenant, weight }) => settingsChanged('queue', { weight: tenant, to: weight }),
});
