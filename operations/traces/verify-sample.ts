import { errorMessage, isFinalError } from '../../domain/errors.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { VerificationReport } from '../../domain/traces/verification.ts';
import type { Gap } from '../../domain/traces/workflow-history.ts';
import { auditRowsFrom } from '../../entities/audit/audit-rows.ts';
import { runPart } from '../../entities/insert-from.ts';
import { EndedTracesRepository, type SampledTrace } from '../../entities/traces/ended-traces-repository.ts';
import type { Stores } from '../stores.ts';
import { verifyTrace } from './verify.ts';

/** How a sample is verified. */
export interface SampleOptions {
  /** How many traces, at most. */
  readonly most: number;
  readonly log: { warn(facts: JsonObject, message: string): void };
  /** Told after each trace, with how many were verified. */
  readonly progress: (verified: number) => void;
}

/**
 * Verifies traces of all tenants that ended within the last day, drawn at random. A trace with a gap is logged, and has a row
 * in the audit log of its tenant. @throws TemporalUnreachable
 */
export async function verifySample(
  { database, workflows }: Pick<Stores, 'database' | 'workflows'>,
  { most, log, progress }: SampleOptions,
): Promise<VerificationReport> {
  const sample = await database.inSystem('inspect', ({ em }) => new EndedTracesRepository(em).sample(most));
  let [verified, withGaps] = [0, 0];
  for (const trace of sample) {
    const gaps = await gapsOf({ database, workflows }, trace);
    verified += 1;
    progress(verified);
    const [first] = gaps;
    if (first === undefined) continue;
    withGaps += 1;
    const { tenant, taskId, number } = trace;
    const details = { trace: number, gaps: gaps.length, first: { ...first } };
    log.warn({ tenant, taskId, ...details }, 'the rows of a trace and the history of its workflow disagree');
    const note = { action: 'trace.gap_found', subjectType: 'task', subjectId: taskId, details };
    await database.single.inTenant(tenant, ({ em }) =>
      runPart(em, auditRowsFrom(null, { tenant, actor: 'muster', ...note })),
    );
  }
  return { verified, withGaps };
}

/** Rows that cannot be read any more are a gap; a store that does not answer is none. */
async function gapsOf(
  stores: Pick<Stores, 'database' | 'workflows'>,
  { tenant, taskId: id, number: trace }: SampledTrace,
): Promise<readonly Gap[]> {
  try {
    return (await verifyTrace(stores, tenant, { id, trace })).gaps;
  } catch (error) {
    if (!isFinalError(error)) throw error;
    return [{ kind: 'events', path: null, message: errorMessage(error) }];
  }
}
