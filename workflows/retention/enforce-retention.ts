import { setCurrentDetails } from '@temporalio/workflow';
import type { RetentionReport } from '../../domain/retention/report.ts';
import { retentionTable } from '../../domain/retention/report.ts';
import { retentionActivities } from '../activities.ts';

/**
 * Prunes what the retention policies let go.
 *
 * Id: given by the Schedule `muster-retention`, which starts it once a day and skips a start while one still runs. No
 * messages. Cancellation stops between two batches; what was pruned stays pruned, the next run goes on.
 */
export async function enforceRetention(): Promise<readonly RetentionReport[]> {
  const reports = await retentionActivities.pruneExpired({ dryRun: false });
  setCurrentDetails(retentionTable(reports));
  return reports;
}
