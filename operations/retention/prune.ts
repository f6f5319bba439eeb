import type { Database } from '../../database/transaction.ts';
import { errorMessage, isStoreOutage } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { RetentionReport } from '../../domain/retention/retention.ts';
import { RetentionRepository, type RetentionRule } from '../../entities/retention/retention-repository.ts';

export interface PruneOptions {
  /** Counts only, changes nothing. */
  readonly dryRun: boolean;
  readonly signal?: AbortSignal;
  /** Told after every batch. */
  readonly progress?: (report: RetentionReport) => void;
  /** Hears of a policy that failed. @defaultValue nobody */
  readonly log?: { error(facts: JsonObject, message: string): void };
}

/**
 * Applies the retention policies one after the other. Each batch is a transaction of its own, so a long prune neither
 * holds locks nor loses what it did when it is stopped; it stops between two batches. A policy that fails is logged and
 * reported, and the others are applied all the same. Where the database was unavailable, that is raised once all policies
 * had their turn: the same call may be repeated.
 */
export async function pruneAll(database: Database, options: PruneOptions): Promise<RetentionReport[]> {
  const policies = await database.inSystem('retention', ({ em }) => new RetentionRepository(em).policies());
  const reports: RetentionReport[] = [];
  let transient: unknown = null;
  for (const policy of policies) {
    const run = new PolicyRun(database, policy, options);
    const error = await run.apply();
    if (error !== null) {
      options.signal?.throwIfAborted();
      options.log?.error({ resource: policy.resource, error: errorMessage(error) }, 'a retention policy failed');
      if (isStoreOutage(error)) transient ??= error;
    }
    reports.push(run.report(error));
  }
  if (transient !== null) throw transient;
  return reports;
}

/** One policy, and how far it has got. */
class PolicyRun {
  readonly #database: Database;
  readonly #policy: RetentionRule;
  readonly #options: PruneOptions;
  readonly #counts = { rows: 0, buried: 0 };

  constructor(database: Database, policy: RetentionRule, options: PruneOptions) {
    this.#database = database;
    this.#policy = policy;
    this.#options = options;
  }

  report(error: unknown = null): RetentionReport {
    const { resource, maxAgeDays, enabled } = this.#policy;
    const failure = error === null ? null : errorMessage(error);
    const { dryRun } = this.#options;
    return { resource, maxAgeDays, enabled, dryRun, ...this.#counts, failure };
  }

  /** @returns what it failed with; null when it did not */
  async apply(): Promise<unknown> {
    const policy = this.#policy;
    if (!policy.enabled) return null;
    try {
      if (this.#options.dryRun) this.#counts.rows = await this.#ask((retention) => retention.count(policy));
      else await this.#prune();
      return null;
    } catch (error) {
      return error;
    }
  }

  async #prune(): Promise<void> {
    const policy = this.#policy;
    if (policy.resource === 'agent_messages') {
      await this.#inBatches('buried', (retention) => retention.buryUnclaimed(policy));
    }
    await this.#inBatches('rows', (retention) => retention.prune(policy));
    await this.#ask((retention) => retention.noteRun(policy, this.#counts.rows));
  }

  async #inBatches(
    counted: 'rows' | 'buried',
    batch: (retention: RetentionRepository) => Promise<number>,
  ): Promise<void> {
    for (let count = this.#policy.batchSize; count === this.#policy.batchSize; ) {
      this.#options.signal?.throwIfAborted();
      count = await this.#ask(batch);
      this.#counts[counted] += count;
      this.#options.progress?.(this.report());
    }
  }

  #ask<Result>(work: (retention: RetentionRepository) => Promise<Result>): Promise<Result> {
    return this.#database.inSystem('retention', ({ em }) => work(new RetentionRepository(em)));
  }
}
