import pTimeout from 'p-timeout';
import type { Database, DatabaseLog } from '../../database/transaction.ts';
import { errorMessage } from '../../domain/errors.ts';
import { DEFAULT_LIMIT_SETTINGS, type LimitSettings, parseLimitSettings } from '../../domain/limits/limit-settings.ts';
import { SettingsInvalid } from '../../domain/queues/queue-settings.ts';
import { LimitSettingsRepository } from '../../entities/system/limit-settings-repository.ts';
import type { RateLimiter } from '../../redis/limits/rate-limiter.ts';
import type { RateLimits } from '../stores.ts';

/** Younger than this they are taken as they are. */
const FRESH_MS = 1_000;
/** Older than this a caller waits for the new ones: a change counts within two seconds. */
const STALE_MS = 1_900;
/** How long it waits at most. A database that hangs leaves the limits as they were. */
const WAIT_MS = 100;
/** The same for a program that has read none yet: what ships is not what was set. */
const FIRST_WAIT_MS = 2_000;

/**
 * The limits in the database, for a program that asks for them at every call. Answers from memory, and reads at most
 * once a second and only while it is asked. While the database is unavailable, or the row is invalid, the last good
 * settings stay in force; before the first reading, the shipped ones.
 */
export class LimitSettingsSource {
  readonly #database: Database;
  readonly #log: DatabaseLog | null;
  #settings: LimitSettings = DEFAULT_LIMIT_SETTINGS;
  #liveProcesses = 1;
  #readAtMs = Number.NEGATIVE_INFINITY;
  #reading: Promise<unknown> | null = null;
  /** Grows with what this program stored: what was read before that is out of date. */
  #stored = 0;
  #fault = '';
  /** The row from which the settings were read: the same row leaves the same object. */
  #row = 'null';

  /** @param options `log` hears of settings that cannot be used, once for each fault */
  constructor({ database, log = null }: { database: Database; log?: DatabaseLog | null }) {
    this.#database = database;
    this.#log = log;
  }

  /** The settings that count now; a promise where they have to be read first. It never rejects. */
  current(): LimitSettings | Promise<LimitSettings> {
    const ageMs = performance.now() - this.#readAtMs;
    if (ageMs < FRESH_MS) return this.#settings;
    this.#reading ??= this.#read();
    return ageMs < STALE_MS ? this.#settings : this.#waited(this.#reading);
  }

  /**
   * Reads them, for a program that must not begin by those that ship. A row that is invalid is reported, and leaves them.
   * @throws what kept them from being read
   */
  async load(): Promise<void> {
    const fault = await this.#read();
    if (fault !== null && !(fault instanceof SettingsInvalid)) throw fault;
  }

  /** How many processes hold a lease, as the last reading said; at least 1. */
  liveProcesses(): number {
    return this.#liveProcesses;
  }

  /** Takes settings that this program has just stored. */
  remember(settings: LimitSettings): void {
    this.#settings = settings;
    this.#row = '';
    this.#stored += 1;
  }

  async #waited(reading: Promise<unknown>): Promise<LimitSettings> {
    const isFirst = this.#readAtMs === Number.NEGATIVE_INFINITY;
    await pTimeout(reading, { milliseconds: isFirst ? FIRST_WAIT_MS : WAIT_MS, message: false });
    return this.#settings;
  }

  /** @returns what kept them from being read; null if nothing did. Never rejects. */
  async #read(): Promise<unknown> {
    const stored = this.#stored;
    let readAtMs = performance.now();
    let fault: unknown = null;
    try {
      const read = await this.#database.single.inSystem('configure', ({ em }) =>
        new LimitSettingsRepository(em).read(),
      );
      this.#liveProcesses = Math.max(1, read.liveProcesses);
      const row = JSON.stringify(read.value);
      if (row !== this.#row && stored === this.#stored) {
        this.#settings = parseLimitSettings(read.value);
        this.#row = row;
      }
      this.#fault = '';
    } catch (error) {
      fault = error;
      this.#report(errorMessage(error));
      readAtMs = performance.now();
    }
    this.#readAtMs = readAtMs;
    this.#reading = null;
    return fault;
  }

  #report(fault: string): void {
    if (fault !== this.#fault)
      this.#log?.warn({ fault }, 'could not read the limits; the last known ones stay in force');
    this.#fault = fault;
  }
}

/** A limiter together with the settings by which it decides, as operations need it. */
export function rateLimitsOf(limiter: RateLimiter, source: LimitSettingsSource): RateLimiter & RateLimits {
  const isSet = (name: string) => {
    const settings = source.current();
    const has = ({ limits }: LimitSettings) => Object.hasOwn(limits, name);
    return settings instanceof Promise ? settings.then(has) : has(settings);
  };
  return Object.assign(limiter, { isSet, remember: (settings: LimitSettings) => source.remember(settings) });
}
