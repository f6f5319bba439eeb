import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { newId } from '../../database/new-id.ts';
import type { ArtifactId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import {
  ArtifactRepository,
  INLINE_LIMIT,
  NOTHING_STORED,
  type StoredValue,
} from '../../entities/traces/artifact-repository.ts';
import type { NotedEnd, TaskEnd } from './notes.ts';

/** A value that is small enough to stay in its row, so that storing it takes no statement of its own; null otherwise. */
export function inlineValue(value: Json): StoredValue | null {
  const json = JSON.stringify(value);
  return json.length <= INLINE_LIMIT ? { json, artifactId: null } : null;
}

/** Puts a value where it belongs: inline while it is small, as an artifact of the task when it is large. */
export async function storeValue(
  em: SqlEntityManager,
  execution: ExecutionRef,
  name: string,
  value: Json,
): Promise<StoredValue> {
  const inline = inlineValue(value);
  if (inline !== null) return inline;
  const content = new TextEncoder().encode(JSON.stringify(value));
  const artifactId = await new ArtifactRepository(em).insert({
    id: newId<ArtifactId>(),
    tenant: execution.tenant,
    taskId: execution.taskId,
    name: `${execution.traceNumber}/${name}`,
    mediaType: 'application/json',
    content,
  });
  return { json: null, artifactId };
}

/** The end of a task with its output where it belongs. */
export async function storedEnd(em: SqlEntityManager, execution: ExecutionRef, end: NotedEnd): Promise<TaskEnd> {
  const { status, failure, output, reply, router } = end;
  const stored = output === null ? NOTHING_STORED : await storeValue(em, execution, output.name, output.value);
  return { execution, status, failure, output: stored, reply, router };
}
