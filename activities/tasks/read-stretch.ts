import type { GraphNode } from '../../domain/graphs/definition.ts';
import { readersOf } from '../../domain/graphs/kinds/kind-table.ts';
import type { GraphDocument } from '../../domain/graphs/read-source.ts';
import { documentIn, readsIn, readTask, type TraceReads } from '../../domain/graphs/scope.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { scopeOfPath } from '../../domain/traces/path.ts';
import { StoredRowInvalid } from '../../entities/entity-errors.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import { loadValues } from './load-document.ts';
import type { Stretch } from './stretch.ts';

/** One activity that runs a stretch. */
export interface StretchActivity {
  readonly deps: ActivityDependencies;
  readonly execution: ExecutionRef;
  readonly hasDeadline: boolean;
  readonly stretch: Stretch;
}

/** Reads what the stretch has not looked for yet, in one transaction. @throws StoredRowInvalid */
export async function ensureRead({ deps, execution, stretch }: StretchActivity, reads: TraceReads): Promise<void> {
  const paths = reads.paths.filter((path) => !stretch.outputs.has(path) && !stretch.looked.has(path));
  const task = reads.task && stretch.task === null;
  if (paths.length === 0 && !task) return;
  const values = await deps.database.inTenant(execution.tenant, ({ em }) => loadValues(em, execution, { paths, task }));
  for (const path of paths) stretch.looked.add(path);
  for (const [path, output] of values.outputs) stretch.outputs.set(path, output);
  if (task) stretch.task = { value: values.task };
}

/** What a node's input or condition reads. @throws StoredRowInvalid */
export async function readDocument(activity: StretchActivity, node: GraphNode): Promise<GraphDocument> {
  const { execution, stretch } = activity;
  const { definition } = stretch;
  const [scope, readers] = [scopeOfPath(node.id), readersOf(node)];
  await ensureRead(activity, readsIn(definition, scope, readers));
  const read = documentIn(definition, scope, { values: stretch.values, task: readTask(readers) });
  if (read.ok) return read.document;
  throw new StoredRowInvalid('agent_runs', `${execution.traceId}/${node.id}`, read.message);
}
