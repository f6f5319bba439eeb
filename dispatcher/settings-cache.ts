import type { Database } from '../database/transaction.ts';
import {
  DEFAULT_QUEUE_SETTINGS,
  parseQueueSettings,
  type QueueSettings,
  SettingsInvalid,
} from '../domain/queues/queue-settings.ts';
import type { LoopLog } from '../domain/system/loop.ts';
import { SettingsRepository } from '../entities/system/settings-repository.ts';

/** How old settings may be that a claim goes by. */
const MAX_AGE_MS = 1_000;

/**
 * The settings of the queue, read from their row at most once a second. A manually written row that is invalid is
 * reported once and changes nothing.
 */
export class SettingsCache {
  readonly #database: Database;
  readonly #log: LoopLog;
  #latest: QueueSettings = DEFAULT_QUEUE_SETTINGS;
  #freshUntil = 0;
  #reading: Promise<QueueSettings> | null = null;
  #reported = '';

  constructor({ database, log }: { readonly database: Database; readonly log: LoopLog }) {
    this.#database = database;
    this.#log = log;
  }

  /** What was read last; the defaults before the first read. */
  get latest(): QueueSettings {
    return this.#latest;
  }

  /** At most a second old. Rejects when PostgreSQL has to be asked and does not answer. */
  current(): Promise<QueueSettings> {
    if (performance.now() < this.#freshUntil) return Promise.resolve(this.#latest);
    this.#reading ??= this.#read().finally(() => {
      this.#reading = null;
    });
    return this.#reading;
  }

  async #read(): Promise<QueueSettings> {
    const askedAt = performance.now();
    const stored = await this.#database.single.inSystem('configure', ({ em }) =>
      new SettingsRepository(em).read('queue'),
    );
    try {
      this.#latest = parseQueueSettings(stored);
      this.#reported = '';
    } catch (error) {
      if (!(error instanceof SettingsInvalid)) throw error;
      if (error.message !== this.#reported)
        this.#log.warn({ error: error.message }, 'the queue settings are invalid; the previous ones stay in force');
      this.#reported = error.message;
    }
    this.#freshUntil = askedAt + MAX_AGE_MS;
    return this.#latest;
  }
}
