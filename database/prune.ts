import type { RetentionReport } from '../domain/retention/report.ts';
import { RetentionRepository } from '../entities/retention/retention-repository.ts';
import type { Database } from './transaction.ts';

export interface PruneOptions {
  /** Counts only, changes nothing. */
  readonly dryRun: boolean;
  readonly signal?: AbortSignal;
  /** Told after every batch. */
  readonly progress?: (report: RetentionReport) => void;
}

/**
 * Applies the retention policies one after the other. Each batch is a transaction of its own, so a long prune neither
 * holds locks nor loses what it did when it is stopped; it stops between two batches.
 */
export async function pruneAll(database: Database, options: PruneOptions): Promise<RetentionReport[]> {
  const policies = await database.inSystem('retention', ({ em }) => new RetentionRepository(em).policies());
  const reports: RetentionReport[] = [];
  for (const policy of policies) {
    const { resource, maxAgeDays, enabled } = policy;
    const base = { resource, maxAgeDays, enabled, dryRun: options.dryRun };
    let rows = 0;
    if (enabled && options.dryRun) {
      rows = await database.inSystem('retention', ({ em }) => new RetentionRepository(em).count(policy));
    } else if (enabled) {
      for (let removed = policy.batchSize; removed === policy.batchSize; ) {
        options.signal?.throwIfAborted();
        removed = await database.inSystem('retention', ({ em }) => new RetentionRepository(em).prune(policy));
        rows += removed;
        options.progress?.({ ...base, rows });
      }
      await database.inSystem('retention', ({ em }) => new RetentionRepository(em).noteRun(policy, rows));
    }
    reports.push({ ...base, rows });
  }
  return reports;
}
