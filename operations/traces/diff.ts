import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TaskId } from '../../domain/ids.ts';
import { type ComparedRun, compareRuns, type RunComparison } from '../../domain/traces/compare-traces.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import type { TraceStatus } from '../../domain/traces/trace-status.ts';
import { ThinkingRepository } from '../../entities/thinking/thinking-repository.ts';
import { ArtifactRepository } from '../../entities/traces/artifact-repository.ts';
import { type RunRecord, RunRepository } from '../../entities/traces/run-repository.ts';
import type { TraceRecord } from '../../entities/traces/trace-repository.ts';
import { text } from '../../options/fields.ts';
import { type CallInTenant, defineOperation } from '../define.ts';
import { requireTask } from '../tasks/read.ts';
import { requireTrace } from './stored-trace.ts';
import { TRACE_FIELDS, type TraceInput } from './trace-fields.ts';

/** Which traces are compared: two of one task, or one each of two tasks. */
export interface DiffInput extends TraceInput {
  /** @defaultValue the same task */
  readonly otherId?: string;
  /** @defaultValue the newest */
  readonly otherTrace?: number;
}

/** One of two traces that are compared. */
export interface ComparedTrace {
  readonly taskId: TaskId;
  readonly trace: number;
  readonly status: TraceStatus;
  readonly tokens: number;
  readonly costMicros: number;
}

/** Where two traces part. */
export interface TraceDiff {
  readonly one: ComparedTrace;
  readonly other: ComparedTrace;
  /** The first run that came to something else, in the order of the first trace; null where all came to the same. */
  readonly first: RunPath | null;
  /** Every run of both. */
  readonly runs: readonly RunComparison[];
}

export const diffTraces = defineOperation({
  name: 'tasks.diff',
  summary: 'Shows where two traces part, of one task or of two, and what each run used.',
  effect: 'read',
  risk: 'data_exfiltration_risk',
  permission: 'tasks:read',
  unit: 'tenant',
  input: {
    ...TRACE_FIELDS,
    otherId: text().optional(),
    otherTrace: TRACE_FIELDS.trace,
  },
  async handle(call, { id, trace, otherId = id, otherTrace }: DiffInput): Promise<TraceDiff> {
    const one = await readSide(call, id, trace);
    const other = await readSide(call, otherId, otherTrace);
    const runs = compareRuns(one.runs, other.runs);
    return { one: one.trace, other: other.trace, first: runs.find(({ same }) => !same)?.path ?? null, runs };
  },
});

interface Side {
  readonly trace: ComparedTrace;
  readonly runs: readonly ComparedRun[];
}

async function readSide({ em, caller }: CallInTenant, id: string, number?: number): Promise<Side> {
  const task = await requireTask(em, caller.tenant, id);
  const trace = await requireTrace(em, task, number);
  const runs = await readRuns(em, task.id, trace);
  const { tokens, costMicros } = runs.reduce(addUse, NOTHING);
  return { trace: { taskId: task.id, trace: trace.number, status: trace.status, tokens, costMicros }, runs };
}

type Use = Pick<ComparedRun, 'tokens' | 'costMicros'>;
const NOTHING: Use = { tokens: 0, costMicros: 0 };

function addUse(sum: Use, { tokens, costMicros }: Use): Use {
  return { tokens: sum.tokens + tokens, costMicros: sum.costMicros + costMicros };
}

async function readRuns(em: SqlEntityManager, taskId: TaskId, { id }: TraceRecord): Promise<ComparedRun[]> {
  const runs = await new RunRepository(em).list(id);
  const stored = new Map(runs.map(({ nodeId, output }) => [nodeId, output]));
  const outputs = await new ArtifactRepository(em).load(stored, { missing: 'null' });
  const { models } = await new ThinkingRepository(em).ofTask(taskId);
  const used = Map.groupBy(
    models.filter(({ traceId }) => traceId === id),
    ({ path }) => path,
  );
  return runs.map((run) => {
    const uses = (used.get(run.nodeId) ?? []).map(({ inputTokens, outputTokens, costMicros }) => {
      return { tokens: inputTokens + outputTokens, costMicros };
    });
    const { status, outcome, error, takenFrom } = run;
    const facts = { status, outcome, error: error?.code ?? null, takenOver: takenFrom !== null };
    return {
      path: run.nodeId,
      ...facts,
      output: outputs.get(run.nodeId) ?? null,
      ...uses.reduce(addUse, NOTHING),
      ms: timeOf(run),
    };
  });
}

function timeOf({ startedAt, finishedAt }: RunRecord): number | null {
  return startedAt === null || finishedAt === null ? null : finishedAt.getTime() - startedAt.getTime();
}
