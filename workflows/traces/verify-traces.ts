import { setCurrentDetails } from '@temporalio/workflow';
import type { VerificationReport } from '../../domain/traces/verification.ts';
import { verificationActivities } from '../activities.ts';

/** How many traces of a day are compared. */
const SAMPLE = 200;

/**
 * Compares a sample of the day's traces with the histories of their workflows.
 *
 * Id: given by the Schedule `muster-verify-traces`, which starts it once a night and skips a start while one still runs. No
 * messages. It changes nothing but the audit log, which names each trace with a gap.
 */
export async function verifyTraces(): Promise<VerificationReport> {
  const report = await verificationActivities.compareTraces({ most: SAMPLE });
  setCurrentDetails(`- verified: ${report.verified}\n- with gaps: ${report.withGaps}`);
  return report;
}
