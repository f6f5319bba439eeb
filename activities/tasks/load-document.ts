import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Condition, InputMapping } from '../../domain/graphs/definition.ts';
import { type GraphDocument, nodesRead, pointersRead } from '../../domain/graphs/read-source.ts';
import type { Json } from '../../domain/json.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { ArtifactRepository, type StoredValue } from '../../entities/traces/artifact-repository.ts';
import { RunRepository } from '../../entities/traces/run-repository.ts';

const TASK_INPUT = Symbol('the input of the task');

/**
 * Reads what these mappings and conditions point at, and no more: the task's input and the outputs of the nodes that
 * ended `ok`. At most three statements, whatever the number of readers.
 */
export async function loadDocument(
  em: SqlEntityManager,
  execution: ExecutionRef,
  readers: readonly (InputMapping | Condition)[],
): Promise<GraphDocument> {
  const values = new Map<string | typeof TASK_INPUT, StoredValue>();
  const nodeIds = [...new Set(readers.flatMap(nodesRead))];
  if (nodeIds.length > 0) {
    const runs = await new RunRepository(em).list(execution.traceId, nodeIds);
    for (const run of runs) if (run.status === 'ok') values.set(run.nodeId, run.output);
  }
  if (readers.some((reader) => pointersRead(reader).some(readsTask))) {
    const task = await new TaskRepository(em).find(execution.taskId);
    if (task !== null) values.set(TASK_INPUT, task.input);
  }
  const loaded = await new ArtifactRepository(em).load(values);
  const nodes = [...loaded].filter((entry): entry is [string, Json] => typeof entry[0] === 'string');
  return { task: loaded.get(TASK_INPUT) ?? null, nodes: Object.fromEntries(nodes) };
}

function readsTask(pointer: string): boolean {
  return pointer === '' || pointer === '/task' || pointer.startsWith('/task/');
}
