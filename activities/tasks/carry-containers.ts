import type { ContainerNode } from '../../domain/graphs/definition.ts';
import type { ContainerFault } from '../../domain/graphs/kinds/kind-rules.ts';
import { containerOf, isContainer } from '../../domain/graphs/kinds/kind-table.ts';
import { innerAt, type Step } from '../../domain/graphs/run-state.ts';
import { innerOutputs, nodeOfRun, readsOfTurn } from '../../domain/graphs/scope.ts';
import type { Json } from '../../domain/json.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { StoredRowInvalid } from '../../entities/entity-errors.ts';
import { type RunRecord, RunRepository } from '../../entities/traces/run-repository.ts';
import { ensureRead, readDocument, type StretchActivity } from './read-stretch.ts';

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

/** The first inner graph's input is made too: what cannot be made fails the container before anything runs in it. */
async function open(activity: StretchActivity, node: ContainerNode): Promise<Next> {
  const document = await readDocument(activity, node);
  const rules = containerOf(node);
  const opened = rules.open(node, document);
  if (!opened.ok || opened.size === 0) return opened;
  const input = rules.input(node, document, { index: 0, previous: null });
  return input.ok ? opened : input;
}

async function turn(activity: StretchActivity, node: ContainerNode): Promise<Next> {
  const { definition, state } = activity.stretch;
  const { size = 0, failedPath, stopped } = innerAt(state, node.id) ?? {};
  if (failedPath !== undefined) return failedWithin(activity, failedPath);
  if (stopped !== undefined) return { ok: false, code: 'container_stopped', message: `It was stopped: ${stopped}.` };
  await ensureRead(activity, readsOfTurn(definition, node.id, size));
  const read = innerOutputs(definition, node.id, { size, values: activity.stretch.values });
  return read.ok ? containerOf(node).turn(node, read.outputs, size) : read;
}

/** A container fails as the run did whose failure fails it. */
async function failedWithin(activity: StretchActivity, path: RunPath): Promise<ContainerFault> {
  const ended = activity.stretch.ends.find(({ end }) => end.nodeId === path)?.end;
  const run = ended ?? (await findRun(activity, path));
  const { code, message } = run?.error ?? { code: 'handler_failed', message: 'it failed.' };
  const status = run?.status === 'retryable_error' ? { status: run.status } : {};
  return { ok: false, code, message: `${path}: ${message}`, ...status };
}

async function findRun({ deps, execution }: StretchActivity, path: RunPath): Promise<RunRecord | undefined> {
  const [run] = await deps.database.inTenant(execution.tenant, ({ em }) =>
    new RunRepository(em).list(execution.traceId, [path]),
  );
  return run;
}

/** What cannot be read where it is stored fails the container. */
function unreadable(error: unknown): ContainerFault {
  if (error instanceof StoredRowInvalid) return { ok: false, code: error.code, message: error.message };
  throw error;
}
