import type { GraphDefinition } from '../domain/graphs/definition.ts';
import { EXECUTION_RULES } from '../domain/tasks/execution.ts';
import { handlersMs } from '../domain/tasks/shared-execution.ts';
import type { ClaimedTask } from '../entities/tasks/claimed-task.ts';
import type { GraphCache } from '../operations/graphs/graph-cache.ts';
import type { executeTasks } from '../workflows/tasks/execute-tasks.ts';
import { type StarterOptions, startExecution } from './start-execution.ts';

/** Starts the execution that carries these tasks, all of one task queue. Idempotent by its id. */
export type StartTogether = (workflowId: string, tasks: readonly ClaimedTask[]) => Promise<void>;

export function sharedStarter(options: StarterOptions): StartTogether {
  return async (workflowId, tasks) => {
    const definitions = await definitionsOf(options.graphs, tasks);
    const args: Parameters<typeof executeTasks> = [
      {
        tasks: tasks.map(({ execution }) => execution.taskId),
        handlersMs: Math.max(...definitions.map(handlersMs)),
        rules: EXECUTION_RULES,
      },
    ];
    const summary = `${tasks.length} tasks · ${definitions.map(({ name }) => name).join(', ')}`;
    const details = tasks.map(lineOf).join('\n');
    const execution = { workflow: 'executeTasks', workflowId, args, tasks, definitions, summary, details };
    await startExecution(options, execution);
  };
}

async function definitionsOf(graphs: GraphCache, tasks: readonly ClaimedTask[]): Promise<GraphDefinition[]> {
  const all = new Map(tasks.map(({ execution }) => [execution.graphId, execution.tenant]));
  return Promise.all([...all].map(([graphId, tenant]) => graphs.get(tenant, graphId)));
}

function lineOf({ execution, graphName, title }: ClaimedTask): string {
  return `- \`${execution.taskId}\` ${graphName} · ${title}`;
}
