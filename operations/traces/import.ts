import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { z } from 'zod';
import { newId } from '../../database/new-id.ts';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import type { GraphId, TaskId } from '../../domain/ids.ts';
import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import { Task } from '../../entities/tasks/task.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { audit } from '../audit.ts';
import { PermissionDenied } from '../caller.ts';
import { type Call, defineOperation } from '../define.ts';
import { requireGranted } from '../graphs/require-granted.ts';
import { type CheckedFile, checkFile } from './check-file.ts';
import { type FileLines, readFile } from './read-file.ts';
import { FileWriter } from './write-file.ts';

export interface ImportInput {
  /** The lines of the file, without their ends. A program may give an iterable that reads the file anew each time. */
  readonly lines: FileLines;
}

/** What became of a file. */
export interface ImportView {
  readonly taskId: TaskId;
  /** Whether it had been imported before; then nothing was changed. */
  readonly duplicate: boolean;
}

const lines = z.custom<FileLines>(
  (value) => isIterable(value) || (Array.isArray(value) && value.every((line) => typeof line === 'string')),
  'a list of lines',
);

/**
 * The file is checked whole before anything is written, and written in one transaction. The task has ended, and nobody starts
 * it. Its graphs become archived versions of their names, unless a version already is one of them: to write one, the caller
 * has to be permitted to publish it. The same file is imported once a tenant. @throws FileInvalid, PermissionDenied, GraphInvalid
 */
export const importTask = defineOperation({
  name: 'tasks.import',
  summary: 'Imports a task that `tasks.export` wrote, in this or another installation, to look, replay and fork.',
  effect: 'write',
  risk: 'high_risk',
  permission: 'tasks:write',
  // What has happened is not for agents to write.
  by: 'person',
  unit: 'none',
  input: { lines },
  async handle(call, { lines: given }: ImportInput): Promise<ImportView> {
    const file = await checkFile(given);
    return call.stores.database.inTenant(call.caller.tenant, ({ em }) => write(em, call, { file, given }));
  },
});

async function write(
  em: SqlEntityManager,
  call: Call,
  { file, given }: { readonly file: CheckedFile; readonly given: FileLines },
): Promise<ImportView> {
  const { tenant } = call.caller;
  const { digest, traces } = file;
  await new TaskRepository(em).ensureTenant(tenant);
  // Puts those in order who import the same file.
  const graphs = await archivedGraphs(em, call, file);
  const known = await em.findOne(Task, { tenantId: tenant, importedFrom: digest }, { fields: ['id'] });
  if (known !== null) return { taskId: known.id, duplicate: true };
  const taskQueue = call.stores.defaultTaskQueue;
  const writer = new FileWriter(em, { tenant, taskQueue, digest, traces, graphs });
  await readFile(given, (line) => writer.take(line));
  await writer.finish();
  const note = { action: 'task.imported', subjectType: 'task', subjectId: writer.taskId, details: { digest } };
  await audit(em, call, note);
  return { taskId: writer.taskId, duplicate: false };
}

async function archivedGraphs(em: SqlEntityManager, call: Call, { graphs }: CheckedFile) {
  const found = new Map<string, { readonly id: GraphId; readonly name: string }>();
  for (const [hash, definition] of graphs) found.set(hash, await archivedGraph(em, call, { hash, definition }));
  return found;
}

async function archivedGraph(
  em: SqlEntityManager,
  { caller, stores }: Call,
  { hash: definitionHash, definition }: { readonly hash: string; readonly definition: GraphDefinition },
) {
  const { tenant } = caller;
  const { name } = definition;
  const graphs = new GraphRepository(em);
  await graphs.lock(tenant, name);
  const known = (await graphs.versions(tenant, name)).find((version) => version.definitionHash === definitionHash);
  if (known !== undefined) return { id: known.id, name };
  if (!caller.permissions.has('graphs:publish')) throw new PermissionDenied(caller, 'tasks.import', 'graphs:publish');
  requireGranted(caller, definition, stores);
  const id = newId<GraphId>();
  const metadata = { imported: true };
  await graphs.write({ id, tenant, taskQueue: stores.defaultTaskQueue, definitionHash, definition, metadata });
  await graphs.archive(id);
  return { id, name };
}

function isIterable(value: unknown): boolean {
  return typeof value === 'object' && value !== null && Symbol.asyncIterator in value;
}
