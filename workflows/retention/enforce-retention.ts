import { setCurrentDetails } from '@temporalio/workflow';
import { type RetentionReport, retentionTable } from '../../domain/retention/retention.ts';
import { retentionActivities } from '../activities.ts';

/**
 * Prunes what the retention policies release.
 *
 * Id: given by the Schedule `muster-retention`, which starts it once a day and skips a start while one still runs. No
 * messages. Cancellation stops between two batches; what was pruned stays pruned, and the next run continues.
 */
export async function enforceRetention(): Promise<readonly RetentionReport[]> {
  const reports = await retentionActivities.pruneExpired({ dryRun: false });
  setCurrentDetails(retentionTable(reports));
  return reports;
}
