import { isJsonObject, type Json, type JsonObject } from '../domain/json.ts';
import { parseQueueSettings, type QueueSettings } from '../domain/queues/queue-settings.ts';
import { SettingsRepository } from '../entities/system/settings-repository.ts';
import type { ClientStores } from './open-stores.ts';
import {
  type LimitOptions,
  limitKey,
  limitOptions,
  limitValue,
  pauseTarget,
  resumeTarget,
  weightTenant,
  weightValue,
} from './options/queue-options.ts';

/**
 * What an operator changes of the queue while it runs. The settings are those of the whole installation. Each change is
 * one transaction with an audit row, and counts within two seconds wherever a worker runs.
 */
export class QueueControl {
  readonly #stores: ClientStores;

  constructor(stores: ClientStores) {
    this.#stores = stores;
  }

  async setPaused(given: string, paused: boolean): Promise<QueueSettings> {
    const target = paused ? pauseTarget(given) : resumeTarget(given);
    return this.#change((stored) => {
      const others = listOf(stored.paused).filter((known) => known !== target);
      return { ...stored, paused: paused ? [...others, target] : others };
    });
  }

  async setLimit(givenKey: string, givenLimit: number | null, given: LimitOptions): Promise<QueueSettings> {
    const [key, limit, options] = [limitKey(givenKey), limitValue(givenLimit), limitOptions(given)];
    return this.#change((stored) => {
      const { whileOccupying: known, ...others } = stored;
      const before = listOf(known).includes(key) ? 'occupying' : 'open';
      const span = limit === null ? 'open' : (options.while ?? before);
      const names = listOf(known).filter((name) => name !== key);
      const whileOccupying = span === 'occupying' ? [...names, key] : names;
      const limits = withEntry(stored.limits, key, limit);
      return { ...others, limits, ...(whileOccupying.length === 0 ? {} : { whileOccupying }) };
    });
  }

  async setWeight(givenTenant: string, givenWeight: number | null): Promise<QueueSettings> {
    const [tenant, weight] = [weightTenant(givenTenant), weightValue(givenWeight)];
    return this.#change((stored) => ({ ...stored, weights: withEntry(stored.weights, tenant, weight) }));
  }

  /**
   * Only what was set is stored, so that a default that changes one day counts for all else. Everything is checked
   * before anything is written. @throws SettingsInvalid
   */
  async #change(change: (stored: JsonObject) => JsonObject): Promise<QueueSettings> {
    const value = await this.#stores.database.inSystem('configure', ({ em }) =>
      new SettingsRepository(em).change('queue', 'client', (stored) => {
        const changed = change(isJsonObject(stored) ? stored : {});
        parseQueueSettings(changed);
        return changed;
      }),
    );
    return parseQueueSettings(value);
  }
}

function listOf(value: Json | undefined): readonly Json[] {
  return Array.isArray(value) ? value : [];
}

/** The entries with one of them set, or without it. */
function withEntry(value: Json | undefined, name: string, entry: number | null): JsonObject {
  const { [name]: _before, ...others } = isJsonObject(value) ? value : {};
  return entry === null ? others : { ...others, [name]: entry };
}
