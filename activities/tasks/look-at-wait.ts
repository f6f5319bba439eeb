import { isFinalError } from '../../domain/errors.ts';
import { readersOf } from '../../domain/graphs/kinds/kind-table.ts';
import { nodeOfRun } from '../../domain/graphs/scope.ts';
import { WAITING_PROCESS } from '../../domain/tasks/run-waits.ts';
import { scopeOfPath } from '../../domain/traces/path.ts';
import { StoredRowInvalid } from '../../entities/entity-errors.ts';
import type { WaitingJob } from '../../entities/tasks/waiting-job.ts';
import { WaitRepository } from '../../entities/waits/wait-repository.ts';
import { recording } from '../../operations/record/recording.ts';
import { enqueueJobs } from '../../operations/tasks/enqueue-jobs.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { failing } from '../failure.ts';
import { lockFor, lookAt } from '../nodes/look.ts';
import { failedLook, type Look } from '../nodes/look-setting.ts';
import { loadDocument } from './load-document.ts';
import { repeatEnd, requireBegun } from './node-activity.ts';
import type { NodeActivity, RunNodeInput, RunNodeResult } from './node-attempt.ts';
import { subjectOf } from './run-rows.ts';
import { settle } from './settle-node.ts';

/** How a run stands that waits. */
export type LookResult =
  | ({ readonly kind: 'ended' } & RunNodeResult)
  | {
      readonly kind: 'waits';
      /** By which the workflow is told of it. */
      readonly waitId: string;
      /** When to look again at the latest, in milliseconds since 1970; null where there is no such time. */
      readonly untilMs: number | null;
      /** The database's time of this look, by which that counts: its clock may differ from Temporal's. */
      readonly nowMs: number;
    };

/** Whichever process looks, a run that waits is one attempt. */
const ONE_ATTEMPT = { workflowRun: WAITING_PROCESS, activityAttempt: 1, process: WAITING_PROCESS };

/**
 * Looks at a node that waits: begins its wait the first time, and ends its run once the wait is over. Everything that it goes
 * by is in rows, so it may be repeated, and nothing is lost if a process dies between two looks.
 */
export function lookAtWait(deps: ActivityDependencies, input: RunNodeInput): Promise<LookResult> {
  return failing(async () => {
    const { execution, nodeId } = input;
    const definition = await deps.graphs.get(execution.tenant, execution.graphId);
    const activity = { deps, input, definition, node: nodeOfRun(definition, nodeId) };
    const { begun, look } = await lookOnce(activity).catch((error: unknown) => refused(activity, error));
    if (look === null) return { kind: 'ended', ...repeatEnd(activity, begun) };
    if (look.kind === 'waits') tellQueue(deps, look);
    if (look.kind === 'waits') {
      const untilMs = look.until?.getTime() ?? null;
      return { kind: 'waits', waitId: look.id, untilMs, nowMs: look.nowMs };
    }
    return { kind: 'ended', ...(await settle({ ...activity, begun }, look)) };
  });
}

/** Begins the run, as all attempts do, and then looks: a run that has ended waits for nothing any more. */
function lookOnce(activity: NodeActivity) {
  const { deps, input, definition, node } = activity;
  const { execution } = input;
  const { tenant: tenantId, taskId, traceId } = execution;
  const place = { tenantId, taskId, traceId, path: node.id };
  return recording({ units: deps.database, log: deps.log }, tenantId, async (unit) => {
    const document = () =>
      loadDocument(unit.em, { execution, definition, scope: scopeOfPath(node.id) }, readersOf(node));
    const setting = { unit, place, document, stores: deps.stores };
    await lockFor(node, setting);
    const begun = await unit.recorder.runBegan(execution, subjectOf(node), ONE_ATTEMPT);
    if (begun.kind === 'settled') return { begun, look: null };
    const attempt = requireBegun(activity, begun);
    const look = await lookAt(node, setting).catch(unreadable);
    if (look.kind !== 'waits') return { begun: attempt, look };
    if (look.begun !== null) {
      await unit.recorder.eventHappened(traceId, [{ type: 'run.waits', nodeId: node.id, data: look.begun }]);
    }
    const now = await new WaitRepository(unit.em).clock();
    return { begun: attempt, look: { ...look, nowMs: now.getTime() } };
  });
}

/** What PostgreSQL refuses, or a task that cannot begin, fails the run, in a unit of work that holds nothing of it. */
async function refused(activity: NodeActivity, error: unknown) {
  if (!isFinalError(error) || error.code === 'stale_fence') throw error;
  const { deps, input, node } = activity;
  const units = { units: deps.database.single, log: deps.log };
  const begun = await recording(units, input.execution.tenant, ({ recorder }) =>
    recorder.runBegan(input.execution, subjectOf(node), ONE_ATTEMPT),
  );
  if (begun.kind === 'settled') return { begun, look: null };
  return { begun: requireBegun(activity, begun), look: failedLook(error.code, error.message) };
}

/** Only a hint: the relay finds the outbox row. */
function tellQueue({ stores }: ActivityDependencies, { job = null }: { readonly job?: WaitingJob | null }): void {
  if (job !== null) enqueueJobs(stores.queueFor, [job]).catch(() => undefined);
}

/** What its input reads cannot be read: that fails the run. */
function unreadable(error: unknown): Look {
  if (error instanceof StoredRowInvalid) return failedLook(error.code, error.message);
  throw error;
}
