import { MusterError } from '../domain/errors.ts';
import type { GraphDefinition } from '../domain/graphs/definition.ts';
import { labelOf } from '../domain/graphs/kinds/kind-table.ts';
import { planOf } from '../domain/graphs/plan.ts';
import type { TaskId } from '../domain/ids.ts';
import { EXECUTION_RULES, type ExecuteTaskInput, taskWorkflowId } from '../domain/tasks/execution.ts';
import type { ClaimedTask } from '../entities/tasks/claimed-task.ts';
import { type Refusal, refusalOf } from '../temporal/refusals.ts';
import type { executeTask } from '../workflows/tasks/execute-task.ts';
import { type StarterOptions, startExecution } from './start-execution.ts';

/** Temporal refuses to start the workflow of a task, and would refuse again. */
export class StartRefused extends MusterError {
  readonly code = 'start_refused';
  constructor(taskId: TaskId, { status, detail }: Refusal, cause: unknown) {
    super(
      `Temporal refuses to start the task, whenever it is tried (${status}: ${detail}). Correct what it names, which is ` +
        'part of the task or of its graph, then redrive it or submit it again.',
      { taskId, status },
      { cause },
    );
  }
}

/** Starts the execution of a claimed task. An implementation makes repetitions harmless. */
export type StartTask = (task: ClaimedTask) => Promise<void>;

/**
 * Starts the workflow of a claimed task. Idempotent: the id follows from the task and its trace. PostgreSQL decides who
 * may call this; Temporal forgets closed workflows.
 *
 * @throws StartRefused when no repetition can help; GraphMissing, StoredRowInvalid; whatever the SDK raises otherwise
 */
export function workflowStarter(options: StarterOptions): StartTask {
  return async (task) => {
    const { tenant, graphId, taskId, traceNumber } = task.execution;
    const definition = await options.graphs.get(tenant, graphId);
    const execution = {
      workflow: 'executeTask',
      workflowId: taskWorkflowId(taskId, traceNumber),
      args: argsOf(task, definition),
      tasks: [task],
      definitions: [definition],
      summary: `${task.graphName} · ${task.title}`,
      details: describe(task, definition),
      status: task.standing,
    };
    try {
      await startExecution(options, execution);
    } catch (error) {
      const refusal = refusalOf(error);
      throw refusal?.isFinal === true ? new StartRefused(taskId, refusal, error) : error;
    }
  };
}

function argsOf(task: ClaimedTask, definition: GraphDefinition): Parameters<typeof executeTask> {
  const { execution, graphName } = task;
  const deadline = task.deadlineAt === null ? {} : { deadlineAtMs: task.deadlineAt.getTime() };
  const standing = standingBefore(task);
  return [{ execution, graphName, plan: planOf(definition), rules: EXECUTION_RULES, ...deadline, ...standing }];
}

/** How it stood, if its workflow was lost while it was paused or waited. */
function standingBefore({ standing }: ClaimedTask): Pick<ExecuteTaskInput, 'paused' | 'waits'> {
  if (standing === 'paused') return { paused: true };
  return standing === 'in_progress' ? {} : { waits: standing };
}

/** What the Web UI shows above the history: who asked for what, and which agents do it. */
function describe(task: ClaimedTask, definition: GraphDefinition): string {
  const nodes = definition.nodes.map((node) => {
    const does = node.objective === '' ? '' : `: ${node.objective}`;
    return `- \`${node.id}\` (${labelOf(node)})${does}`;
  });
  const { taskId, traceId, tenant } = task.execution;
  return [
    `Task \`${taskId}\`, trace \`${traceId}\`, tenant \`${tenant}\`, priority ${task.priority}.`,
    definition.description,
    nodes.join('\n'),
  ].join('\n\n');
}
