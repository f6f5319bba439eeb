import { createHash } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { v7 as uuid } from 'uuid';
import type { Json } from '../../domain/json.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { ArtifactRepository, INLINE_LIMIT, type StoredValue } from '../../entities/traces/artifact-repository.ts';

/** Whether a value is small enough to stay in its row, so that storing it takes no statement of its own. */
export function isInline(value: Json): boolean {
  return JSON.stringify(value).length <= INLINE_LIMIT;
}

/** Puts a value where it belongs: inline while it is small, as an artifact of the task when it is large. */
export async function storeValue(
  em: SqlEntityManager,
  execution: ExecutionRef,
  name: string,
  value: Json,
): Promise<StoredValue> {
  const json = JSON.stringify(value);
  if (json.length <= INLINE_LIMIT) return { json, artifactId: null };
  const content = new TextEncoder().encode(json);
  const artifactId = await new ArtifactRepository(em).insert({
    id: uuid(),
    tenant: execution.tenant,
    taskId: execution.taskId,
    name: `${execution.traceNumber}/${name}`,
    mediaType: 'application/json',
    sha256: createHash('sha256').update(content).digest('hex'),
    content,
  });
  return { json: null, artifactId };
}
