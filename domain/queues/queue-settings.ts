import { MusterError } from '../errors.ts';
import { isTenantId } from '../ids.ts';
import { canonicalJson, isJsonObject } from '../json.ts';
import { PRIORITY_BANDS } from '../tasks/priority.ts';
import { kindOfKey } from './concurrency-keys.ts';

/**
 * The settings of the whole installation's queue: the row `queue` of `system_config`. A change takes effect within two
 * seconds, without a restart.
 */
export interface QueueSettings {
  /**
   * How many tasks may be open at once, by concurrency key, and for `agent:` keys also how many nodes may run at once;
   * `<kind>:*` applies to every key of a kind without its own limit. 0 to 1,000,000.
   * @defaultValue `{ 'user:*': 1 }`: tasks of one user never overlap
   */
  readonly limits: Readonly<Record<string, number>>;
  /**
   * The limits, by their names in {@link limits}, whose slots tasks hold only while they occupy a place: a task that is
   * paused, or waits for input, an approval, a message or a time, returns them and takes them again when it continues,
   * over the limit if it is full by then.
   * @defaultValue none: a task holds its slots from its start to its end
   */
  readonly whileOccupying: readonly string[];
  /** A tenant's share of the starts within a band, relative to others: see {@link weightOf}. 0.01 to 1,000. */
  readonly weights: Readonly<Record<string, number>>;
  /** Paused targets: `band:low`, `tenant:acme`, `graph:digest`. */
  readonly paused: readonly string[];
  /** How long a job waits behind higher bands before it also competes by its age. 1 to 86,400 s. @defaultValue 60 */
  readonly ageingSeconds: number;
}

export const DEFAULT_QUEUE_SETTINGS: QueueSettings = {
  limits: { 'user:*': 1 },
  whileOccupying: [],
  weights: {},
  paused: [],
  ageingSeconds: 60,
};

/** Settings of the queue or of the limits are invalid. Nothing was changed. */
export class SettingsInvalid extends MusterError {
  readonly code = 'settings_invalid';
  constructor(what: string, faults: readonly string[]) {
    super(`The settings "${what}" cannot be used: ${faults.join('; ')}.`, { what, faults: faults.length });
  }
}

/**
 * Reads settings from outside or from their row; missing fields have their defaults.
 * @throws SettingsInvalid naming every fault
 */
export function parseQueueSettings(value: unknown): QueueSettings {
  if (value === null || value === undefined) return DEFAULT_QUEUE_SETTINGS;
  if (!isJsonObject(value)) throw new SettingsInvalid('queue', ['expected a JSON object']);
  const { limits = {}, whileOccupying = [], weights = {}, paused = [] } = value;
  const { ageingSeconds = DEFAULT_QUEUE_SETTINGS.ageingSeconds } = value;
  const faults = [
    ...numberFaults('limits', limits, isLimitName, { min: 0, max: 1_000_000, whole: true }),
    ...numberFaults('weights', weights, isTenantId, { min: 0.01, max: 1_000, whole: false }),
    ...nameFaults('whileOccupying', whileOccupying, isLimitName),
    ...pauseFaults(paused),
    ...numberFaults('settings', { ageingSeconds }, () => true, { min: 1, max: 86_400, whole: true }),
  ];
  if (faults.length > 0) throw new SettingsInvalid('queue', faults);
  return {
    limits: { ...DEFAULT_QUEUE_SETTINGS.limits, ...(limits as Record<string, number>) },
    whileOccupying: [...new Set(whileOccupying as string[])].sort(),
    weights: weights as Record<string, number>,
    paused: [...new Set(paused as string[])].sort(),
    ageingSeconds: ageingSeconds as number,
  };
}

/** How many tasks with this key may be open at once: 0 while it is paused, null without a limit. */
export function limitOfKey({ limits, paused }: QueueSettings, key: string): number | null {
  if (paused.includes(key)) return 0;
  return limits[key] ?? limits[`${kindOfKey(key) ?? ''}:*`] ?? null;
}

/** A tenant's share of the starts within a band, relative to others. 1 where it has no weight of its own. */
export function weightOf({ weights }: QueueSettings, tenant: string): number {
  return weights[tenant] ?? 1;
}

/** When tasks hold the slots of a limit: from their start to their end, or only while they occupy a place. */
export const LIMIT_SPANS = ['open', 'occupying'] as const;
export type LimitSpan = (typeof LIMIT_SPANS)[number];

/** When tasks hold the slots of a key, or of `<kind>:*`. */
export function spanOfKey({ limits, whileOccupying }: QueueSettings, key: string): LimitSpan {
  const name = limits[key] === undefined ? `${kindOfKey(key) ?? ''}:*` : key;
  return whileOccupying.includes(name) ? 'occupying' : 'open';
}

/** A text that is equal for equal settings only. */
export function settingsText(settings: QueueSettings): string {
  return canonicalJson({ ...settings });
}

/** Whether a text names something that can be paused: a band, a tenant or a graph. */
export function isPauseTarget(target: string): boolean {
  const [kind = '', ...rest] = target.split(':');
  const name = rest.join(':');
  if (kind === 'band') return PRIORITY_BANDS.some((band) => band === name);
  return (kind === 'tenant' && isTenantId(name)) || (kind === 'graph' && name !== '');
}

function isLimitName(name: string): boolean {
  return kindOfKey(name) !== null;
}

function numberFaults(
  what: string,
  value: unknown,
  isName: (name: string) => boolean,
  range: { min: number; max: number; whole: boolean },
): string[] {
  if (!isJsonObject(value)) return [`${what} must be a JSON object`];
  return Object.entries(value).flatMap(([name, number]) => {
    if (!isName(name)) return [`${what} has no place for "${name}"`];
    const fits = typeof number === 'number' && number >= range.min && number <= range.max;
    if (fits && (!range.whole || Number.isInteger(number))) return [];
    return [`${name} must be a ${range.whole ? 'whole ' : ''}number from ${range.min} to ${range.max}`];
  });
}

function nameFaults(what: string, value: unknown, isName: (name: string) => boolean): string[] {
  if (!Array.isArray(value)) return [`${what} must be a list`];
  const wrong = value.filter((name) => typeof name !== 'string' || !isName(name));
  return wrong.map((name) => `${what} has no place for "${String(name)}"`);
}

function pauseFaults(paused: unknown): string[] {
  if (!Array.isArray(paused)) return ['paused must be a list'];
  return paused.flatMap((target) =>
    typeof target === 'string' && isPauseTarget(target)
      ? []
      : [`"${String(target)}" cannot be paused: expected band:NAME, tenant:NAME or graph:NAME`],
  );
}
