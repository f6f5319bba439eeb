import type { ContainerNode } from '../../domain/graphs/definition.ts';
import { GraphInvalid } from '../../domain/graphs/graph-faults.ts';
import { failedWithin, stoppedFault } from '../../domain/graphs/kinds/inner-graph.ts';
import type { ContainerFault } from '../../domain/graphs/kinds/kind-rules.ts';
import { containerOf, isContainer } from '../../domain/graphs/kinds/kind-table.ts';
import { innerAt, type Step } from '../../domain/graphs/run-state.ts';
import { innerOutputs, nodeOfRun, readsOfTurn } from '../../domain/graphs/scope.ts';
import type { Json } from '../../domain/json.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { StoredRowInvalid } from '../../entities/entity-errors.ts';
import { type RunRecord, RunRepository } from '../../entities/traces/run-repository.ts';
import { innerInputFault } from '../../operations/graphs/inner-inputs.ts';
import { ensureRead, readDocument, type StretchActivity } from '../tasks/stretch-activity.ts';

/** What follows from a container's step: more of its inner graphs, or its end. */
type Next =
  | { readonly ok: true; readonly size: number }
  | { readonly ok: true; readonly output: Json }
  | ContainerFault;

/** Opens a container or gives it its turn: both read what is stored and call nothing. */
export async function carryContainer(activity: StretchActivity, { path, phase }: Step): Promise<void> {
  const { stretch } = activity;
  const node = nodeOfRun(stretch.definition, path);
  if (!isContainer(node)) throw new Error(`The node ${path} runs no inner graph.`);
  const next = await (phase === 'open' ? open(activity, node) : turn(activity, node)).catch(unreadable);
  if (next.ok && 'size' in next) return stretch.grow(node, next.size);
  if (next.ok) return stretch.close(node, { kind: 'complete', output: next.output, outcome: null });
  const { code, message, status = 'fatal_error' } = next;
  stretch.close(node, { kind: 'fail', status, error: { code, message }, failures: 1 });
}

async function open(activity: StretchActivity, node: ContainerNode): Promise<Next> {
  const document = await readDocument(activity, node);
  const opened = containerOf(node).open(node, document);
  if (!opened.ok) return opened;
  return innerInputFault(node, document, { from: 0, size: opened.size, previous: null }) ?? opened;
}

async function turn(activity: StretchActivity, node: ContainerNode): Promise<Next> {
  const { definition, state } = activity.stretch;
  const { size = 0, failedPath, stopped } = innerAt(state, node.id) ?? {};
  if (failedPath !== undefined) return faultWithin(activity, failedPath);
  if (stopped !== undefined) return stoppedFault(stopped);
  await ensureRead(activity, readsOfTurn(definition, node.id, size));
  const read = innerOutputs(definition, node.id, { size, values: activity.stretch.values });
  if (!read.ok) return read;
  const rules = containerOf(node);
  const next = rules.turn(node, read.outputs, size);
  if (!next.ok || !('size' in next)) return next;
  const document = await readDocument(activity, node);
  const previous = rules.previous ? (read.outputs.at(-1) ?? null) : null;
  return innerInputFault(node, document, { from: size, size: next.size, previous }) ?? next;
}

async function faultWithin(activity: StretchActivity, path: RunPath): Promise<ContainerFault> {
  const ended = activity.stretch.ends.find(({ end }) => end.nodeId === path)?.end;
  return failedWithin(path, ended ?? (await findRun(activity, path)));
}

async function findRun({ deps, execution }: StretchActivity, path: RunPath): Promise<RunRecord | undefined> {
  const [run] = await deps.database.inTenant(execution.tenant, ({ em }) =>
    new RunRepository(em).list(execution.traceId, [path]),
  );
  return run;
}

/** What is stored and cannot be read, or checks nothing, fails the container. */
function unreadable(error: unknown): ContainerFault {
  if (error instanceof StoredRowInvalid || error instanceof GraphInvalid)
    return { ok: false, code: error.code, message: error.message };
  throw error;
}
