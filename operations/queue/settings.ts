import { z } from 'zod';
import { SYSTEM_TENANT } from '../../domain/ids.ts';
import { isJsonObject, type Json, type JsonObject, textFault } from '../../domain/json.ts';
import {
  isPauseTarget,
  LIMIT_SPANS,
  type LimitSpan,
  parseQueueSettings,
  type QueueSettings,
} from '../../domain/queues/queue-settings.ts';
import { SettingsRepository } from '../../entities/system/settings-repository.ts';
import { anyNumber, oneOf, text, textLike } from '../../options/fields.ts';
import { type AuditNote, type CallInUnit, defineOperation } from '../define.ts';

/** Further options of a limit. */
export interface LimitOptions {
  /**
   * `open`: tasks hold their slots from their start to their end. `occupying`: tasks that are paused, or wait for
   * input, an approval, a message or a time, hold none meanwhile.
   * @defaultValue as before; `open` for a new limit
   */
  readonly while?: LimitSpan | undefined;
}

/** How the fields of changes to the queue are read. The settings themselves define the ranges of values. */

const target = textLike('a band, a tenant or a graph, like band:low, tenant:acme, graph:digest', (name) => {
  return isPauseTarget(name) && textFault(name) === null;
});
const key = text({ max: 600 });
const numberOrNull = z.union([anyNumber, z.null()], { error: 'a number or null' });
const span = oneOf(LIMIT_SPANS).optional();

/** What every change of the installation's settings declares alike. */
export const SETTINGS_CHANGE = { effect: 'write', risk: 'high_risk', unit: 'configure', once: 'key' } as const;
const QUEUE_CHANGE = { ...SETTINGS_CHANGE, permission: 'queue:admin' } as const;

/**
 * Changes the queue's settings, which take effect within two seconds in every worker. Only what was set is stored, so
 * that a new default of a later release reaches everything else. Checks everything before it writes anything.
 * @throws SettingsInvalid
 */
async function changeQueue({ em }: CallInUnit, change: (stored: JsonObject) => JsonObject): Promise<QueueSettings> {
  const stored = await new SettingsRepository(em).change('queue', (before) => {
    const changed = change(isJsonObject(before) ? before : {});
    parseQueueSettings(changed);
    return changed;
  });
  return parseQueueSettings(stored);
}

/** The audit entry of a change of the installation's settings. */
export function settingsChanged(subjectId: 'queue' | 'limits', change: JsonObject): AuditNote {
  return { action: 'settings.changed', subjectType: 'settings', subjectId, details: change, tenant: SYSTEM_TENANT };
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

/** The entries with this one set, or without it. */
export function withEntry(value: Json | undefined, name: string, entry: Json): JsonObject {
  const { [name]: _before, ...others } = isJsonObject(value) ? value : {};
  return entry === null ? others : { ...others, [name]: entry };
}

export interface TargetInput {
  readonly target: string;
}

export const pauseQueue = defineOperation({
  ...QUEUE_CHANGE,
  name: 'queue.pause',
  summary: 'Starts nothing more of a band, a tenant or a graph.',
  input: { target },
  handle: (call, input: TargetInput) =>
    changeQueue(call, (stored) => ({ ...stored, paused: [...without(stored.paused, input.target), input.target] })),
  audit: (_settings, input) => settingsChanged('queue', { paused: input.target }),
});

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

export interface SetLimitInput extends LimitOptions {
  readonly key: string;
  readonly limit: number | null;
}

export const setQueueLimit = defineOperation({
  ...QUEUE_CHANGE,
  name: 'queue.setLimit',
  summary: 'Limits how many tasks with a concurrency key are open at once.',
  input: { key, limit: numberOrNull, while: span },
  handle: (call, input: SetLimitInput) => changeQueue(call, (stored) => withLimit(stored, input)),
  audit: (_settings, { key: name, limit }) => settingsChanged('queue', { limit: name, to: limit }),
});

/** The span of a limit stays when only its number changes, and is removed with the limit. */
function withLimit(stored: JsonObject, { key: name, limit, while: wanted }: SetLimitInput): JsonObject {
  const { whileOccupying: known, ...others } = stored;
  const before = listOf(known).includes(name) ? 'occupying' : 'open';
  const kept = limit === null ? 'open' : (wanted ?? before);
  const names = listOf(known).filter((other) => other !== name);
  const whileOccupying = kept === 'occupying' ? [...names, name] : names;
  const limits = withEntry(stored.limits, name, limit);
  return { ...others, limits, ...(whileOccupying.length === 0 ? {} : { whileOccupying }) };
}

export const setQueueWeight = defineOperation({
  ...QUEUE_CHANGE,
  name: 'queue.setWeight',
  summary: "Sets a tenant's share of the starts within a band.",
  input: { tenant: key, weight: numberOrNull },
  handle: (call, { tenant, weight }: { readonly tenant: string; readonly weight: number | null }) =>
    changeQueue(call, (stored) => ({ ...stored, weights: withEntry(stored.weights, tenant, weight) })),
  audit: (_settings, { tenant, weight }) => settingsChanged('queue', { weight: tenant, to: weight }),
});
