import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { readPointer } from '../../domain/graphs/json-pointer.ts';
import { readersOf } from '../../domain/graphs/kinds/kind-table.ts';
import { pointersRead } from '../../domain/graphs/read-source.ts';
import { documentIn, nodeOfRun, readsIn, readTask, type TraceValues } from '../../domain/graphs/scope.ts';
import { canonicalJson, type Json } from '../../domain/json.ts';
import { type RunPath, scopeOfPath } from '../../domain/traces/path.ts';
import { ArtifactRepository, type StoredValue } from '../../entities/traces/artifact-repository.ts';
import type { ForkOrigin } from './fork-origin.ts';
import type { ForkInput } from './fork-words.ts';

const TASK_INPUT = Symbol('the input of the task');

/** A sentence for each run that is taken over although it read what is otherwise now. */
export async function changedInputs(
  em: SqlEntityManager,
  origin: ForkOrigin,
  { input, model, provider }: Pick<ForkInput, 'input' | 'model' | 'provider'>,
): Promise<readonly string[]> {
  const priced = model !== undefined || provider !== undefined;
  const models = priced
    ? ['The price is that of the models that were recorded, not of the one that is called now.']
    : [];
  if (input === undefined) return models;
  const before = await valuesOf(em, origin);
  const after = { ...before, task: input };
  const changed = origin.plan.takenOver.filter((path) => readBy(origin, path, before) !== readBy(origin, path, after));
  return [...changed.map((path) => `${path} is taken over, and read what is changed in the input.`), ...models];
}

/** All that the runs read which are taken over. */
async function valuesOf(em: SqlEntityManager, { task, to, runs, plan }: ForkOrigin): Promise<TraceValues> {
  const reads = plan.takenOver.flatMap((path) => {
    return readsIn(to, scopeOfPath(path), readersOf(nodeOfRun(to, path))).paths;
  });
  const read = new Set(reads);
  const stored = new Map<RunPath | typeof TASK_INPUT, StoredValue>([[TASK_INPUT, task.input]]);
  for (const { nodeId, status, output } of runs) if (status === 'ok' && read.has(nodeId)) stored.set(nodeId, output);
  const values = await new ArtifactRepository(em).load(stored);
  const outputs = [...values].filter((entry): entry is [RunPath, Json] => typeof entry[0] === 'string');
  return { task: values.get(TASK_INPUT) ?? null, outputs: new Map(outputs) };
}

/** What a run reads, as one text. */
function readBy({ to }: ForkOrigin, path: RunPath, values: TraceValues): string {
  const readers = readersOf(nodeOfRun(to, path));
  const read = documentIn(to, scopeOfPath(path), { values, task: readTask(readers) });
  if (!read.ok) return read.message;
  const document = read.document as unknown as Json;
  return canonicalJson(readers.flatMap(pointersRead).map((pointer) => readPointer(document, pointer) ?? null));
}
