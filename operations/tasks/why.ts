import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { errorMessage } from '../../domain/errors.ts';
import { isContainerKind } from '../../domain/graphs/kinds/kind-table.ts';
import type { TaskId } from '../../domain/ids.ts';
import { type Cause, cause } from '../../domain/tasks/cause.ts';
import { isTerminalTaskStatus, type TaskStatus } from '../../domain/tasks/task-status.ts';
import { THINKING_PROCESS } from '../../domain/thinking/states.ts';
import { CauseRepository, type OpenRun } from '../../entities/tasks/cause-repository.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import { ModelCall } from '../../entities/thinking/model-call.ts';
import { ThinkingRepository } from '../../entities/thinking/thinking-repository.ts';
import type { ToolCall } from '../../entities/thinking/tool-call.ts';
import { TraceRepository } from '../../entities/traces/trace-repository.ts';
import { text } from '../../options/fields.ts';
import { type Call, defineOperation } from '../define.ts';
import { readWaits } from '../waits/read-waits.ts';
import { readHoldUp } from './held-up.ts';
import { requireTask, type TaskInput } from './read.ts';

/** Why a task has not ended. */
export interface WhyView {
  readonly id: TaskId;
  readonly status: TaskStatus;
  /** What it waits for: services that do not answer first. Empty for a task that has ended. */
  readonly causes: readonly Cause[];
}

/** What a task waits for, and until when where that can be known. @throws TaskUnknown */
export const whyTask = defineOperation({
  name: 'tasks.why',
  summary: 'Says what a task that has not ended waits for.',
  effect: 'read',
  risk: 'data_exfiltration_risk',
  permission: 'tasks:read',
  unit: 'none',
  input: { id: text() },
  async handle(call, { id }: TaskInput): Promise<WhyView> {
    const { caller, stores } = call;
    const found = await stores.database.inTenant(caller.tenant, async ({ em }) => {
      const task = await requireTask(em, caller.tenant, id);
      return { task, causes: isTerminalTaskStatus(task.status) ? [] : await readCauses(em, task) };
    });
    const services = found.causes.length === 0 ? [] : await unavailable(call, found.task);
    return { id: found.task.id, status: found.task.status, causes: [...services, ...found.causes] };
  },
});

async function readCauses(em: SqlEntityManager, task: TaskRecord): Promise<readonly Cause[]> {
  const heldUp = await readHoldUp(em, task);
  if (heldUp !== null) return [heldUp];
  if (task.status === 'pending') return [placeCause(await new CauseRepository(em).ahead(task.id))];
  const trace = (await new TraceRepository(em).list(task.id)).at(-1);
  const runs = trace === undefined ? [] : await new CauseRepository(em).openRuns(trace.id);
  const waits = await readWaits(em, task);
  const waiting = new Set(waits.map(({ path }) => path));
  const isThinking = runs.some(({ process }) => process === THINKING_PROCESS);
  const calls = trace !== undefined && isThinking ? await new ThinkingRepository(em).underWay(trace.id) : new Map();
  const nodes = [
    ...waits,
    ...runs
      .filter(({ kind, path }) => !isContainerKind(kind) && !waiting.has(path))
      .map((run) => runCause(run, calls.get(run.path))),
  ];
  const workflow = `the next step of its workflow ${trace?.workflowId ?? ''}`.trim();
  return nodes.length > 0 ? nodes : [cause('workflow', workflow)];
}

function modelCause({ path, model, error, retryAt }: ModelCall): Cause {
  const why = error === null || error === undefined ? '' : `: ${String(error.message)}`;
  return cause('model', `its next call of the model ${model}${why}`, { path, until: retryAt ?? null });
}

function placeCause(ahead: number): Cause {
  const before = ahead === 1 ? '1 task of its tenant waits' : `${ahead} tasks of its tenant wait`;
  return cause(
    'place',
    ahead === 0 ? 'a place in a worker: it is the next of its tenant' : `a place in a worker: ${before} before it`,
  );
}

function runCause(
  { path, agent, isRunning, nextAttemptAt: until, limited, process, reason }: OpenRun,
  call?: ModelCall | ToolCall,
): Cause {
  if (call instanceof ModelCall && call.state === 'failed') return modelCause(call);
  if (process === THINKING_PROCESS) return cause('handler', `${agent}, which ${thinkingText(call)}`, { path });
  if (isRunning) return cause('handler', `${agent}, which runs${process === null ? '' : ` in ${process}`}`, { path });
  const because = reason === null ? '' : `: ${reason}`;
  return limited
    ? cause('limit', `a limit${because}`, { path, until })
    : cause('retry', `its next attempt${because}`, { path, until });
}

function thinkingText(call?: ModelCall | ToolCall): string {
  if (call === undefined) return 'is between two calls';
  return call instanceof ModelCall
    ? `asks the model ${call.model} for step ${call.step}, in ${call.process}`
    : `calls its tool ${call.tool} in step ${call.step}`;
}

/** Temporal carries out what has started. PostgreSQL has answered already, and a task needs Redis only to be quick. */
async function unavailable({ stores }: Call, { status }: TaskRecord): Promise<Cause[]> {
  if (status === 'blocked' || status === 'deferred') return [];
  return stores.pings.temporal().then(
    () => [],
    (error: unknown) => [cause('service', `Temporal, which carries it out: ${errorMessage(error)}`)],
  );
}
