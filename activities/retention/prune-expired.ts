import { Context } from '@temporalio/activity';
import type { RetentionReport } from '../../domain/retention/retention.ts';
import { pruneAll } from '../../operations/retention/prune.ts';
import type { ActivityDependencies } from '../dependencies.ts';

export interface PruneExpiredInput {
  readonly dryRun: boolean;
}

/** Prunes by every enabled policy, in batches of one transaction each; a repetition continues where it stopped. */
export function pruneExpired(
  { database, log }: Pick<ActivityDependencies, 'database' | 'log'>,
  { dryRun }: PruneExpiredInput,
): Promise<readonly RetentionReport[]> {
  const { heartbeat, cancellationSignal: signal } = Context.current();
  return pruneAll(database, { dryRun, signal, log, progress: (report) => heartbeat(report) });
}
