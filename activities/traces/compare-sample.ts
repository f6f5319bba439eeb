import { Context } from '@temporalio/activity';
import type { VerificationReport } from '../../domain/traces/verification.ts';
import { verifySample } from '../../operations/traces/verify-sample.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { failing } from '../failure.ts';

export interface CompareTracesInput {
  /** How many traces, at most. */
  readonly most: number;
}

/** Verifies a sample of the traces that ended within the last day. A repetition draws another one. */
export function compareTraces(
  { stores, log, gapsFound }: Pick<ActivityDependencies, 'stores' | 'log' | 'gapsFound'>,
  { most }: CompareTracesInput,
): Promise<VerificationReport> {
  const { heartbeat } = Context.current();
  return failing(async () => {
    const report = await verifySample(stores, { most, log, progress: (verified) => heartbeat({ verified }) });
    gapsFound(report.withGaps);
    return report;
  });
}
