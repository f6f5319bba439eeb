import type { Database } from '../../database/transaction.ts';
import type { TenantId } from '../../domain/ids.ts';
import { type Gap, gapsBetween, gapsWithin, type TraceRows } from '../../domain/traces/workflow-history.ts';
import { defineOperation } from '../define.ts';
import type { Stores } from '../stores.ts';
import { requireTask } from '../tasks/read.ts';
import { readStoredTrace, requireTrace } from './stored-trace.ts';
import { TRACE_FIELDS, type TraceInput } from './trace-fields.ts';

/** Whether the rows of a trace and the history of its workflow say the same. */
export interface VerifyView {
  readonly taskId: string;
  readonly trace: number;
  /** Whether there is no gap. */
  readonly agrees: boolean;
  readonly gaps: readonly Gap[];
  /**
   * What the rows were compared with. `own`: the workflow of the trace. `shared`: the execution that carries many tasks, which
   * reports none of their runs. `gone`: Temporal does not know the workflow any more, or the trace was imported: then the rows
   * were compared among themselves.
   */
  readonly history: 'own' | 'shared' | 'gone';
  /** Runs that have ended, by the rows. */
  readonly runs: number;
}

/** Reads only. Of a trace that runs it says what has no row although it was reported. @throws TemporalUnreachable */
export const verifyTask = defineOperation({
  name: 'tasks.verify',
  summary: "Compares the rows of a trace with Temporal's history of its workflow, and names each gap.",
  effect: 'read',
  risk: 'read_only',
  permission: 'tasks:read',
  unit: 'none',
  input: TRACE_FIELDS,
  handle: ({ caller, stores }, { id, trace }: TraceInput) => verifyTrace(stores, caller.tenant, { id, trace }),
});

/** How often a trace is looked at whose end one side has and the other has not: it may end at this moment. */
const LOOKS = 4;
const BETWEEN_LOOKS_MS = 500;

/** Verifies one trace of a task. */
export async function verifyTrace(
  { database, workflows }: Pick<Stores, 'database' | 'workflows'>,
  tenant: TenantId,
  { id, trace }: { readonly id: string; readonly trace?: number | undefined },
): Promise<VerifyView> {
  for (let look = 1; ; look += 1) {
    const view = await lookAt({ database, workflows }, tenant, { id, trace });
    if (look === LOOKS || !view.gaps.some(({ kind }) => kind === 'status')) return view;
    await new Promise((resolve) => setTimeout(resolve, BETWEEN_LOOKS_MS));
  }
}

async function lookAt(
  { database, workflows }: Pick<Stores, 'database' | 'workflows'>,
  tenant: TenantId,
  { id, trace: number }: { readonly id: string; readonly trace?: number | undefined },
): Promise<VerifyView> {
  const { task, trace } = await database.inTenant(tenant, async ({ em }) => {
    const found = await requireTask(em, tenant, id);
    return { task: found, trace: await requireTrace(em, found, number) };
  });
  // First: what was reported is in its row by then.
  const history = await workflows.history(trace.workflowId);
  const rows = await readRows(database, tenant, { id, number: trace.number });
  const gaps = history === null ? gapsWithin(rows) : gapsBetween(rows, history);
  const kind = history === null ? 'gone' : history.carries === null ? 'own' : 'shared';
  const { length: runs } = rows.runs;
  return { taskId: task.id, trace: trace.number, agrees: gaps.length === 0, gaps, history: kind, runs };
}

function readRows(
  database: Database,
  tenant: TenantId,
  { id, number }: { readonly id: string; readonly number: number },
): Promise<TraceRows> {
  return database.inTenant(tenant, async ({ em }) => {
    const task = await requireTask(em, tenant, id);
    const trace = await requireTrace(em, task, number);
    const { graph, recorded, events, taken, isPruned } = await readStoredTrace(em, task, trace);
    const { definition } = graph;
    return { taskId: task.id, definition, status: trace.status, runs: recorded.runs, events, taken, isPruned };
  });
}
