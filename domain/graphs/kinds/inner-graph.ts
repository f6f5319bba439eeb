import { isJsonObject, type Json } from '../../json.ts';
import type { RunPath } from '../../traces/path.ts';
import type { RunStatus } from '../../traces/trace-status.ts';
import type { Graph } from '../defined-graph.ts';
import type { ContainerNode, GraphDefinition } from '../definition.ts';
import { type GraphDocument, readInput } from '../read-source.ts';
import type { ContainerFault } from './kind-rules.ts';

type Input = { readonly ok: true; readonly value: Json } | ContainerFault;

/** What a container's input mapping gives. */
export function inputOf(node: ContainerNode, document: GraphDocument): Input {
  const read = readInput(node.input, document);
  return read.ok ? read : inputInvalid(`${read.pointer} has no value.`);
}

/** The same with what the kind gives; a name that both have is the kind's. */
export function inputWith(node: ContainerNode, document: GraphDocument, given: Readonly<Record<string, Json>>): Input {
  const input = inputOf(node, document);
  if (!input.ok) return input;
  if (isJsonObject(input.value)) return { ok: true, value: { ...input.value, ...given } };
  return inputInvalid(`Its input must be an object, because ${Object.keys(given).join(' and ')} are added to it.`);
}

/** What a container is given does not suit it. */
export function inputInvalid(message: string): ContainerFault {
  return { ok: false, code: 'handler_input_invalid', message };
}

/** The definition of the graph that a container is given; `writtenFaults` has refused anything else. */
export function innerGraphOf(graph: Graph | undefined): GraphDefinition {
  return (graph as Graph).definition;
}

/** A container fails as the run did whose failure fails it. @param run its end; nothing where that is not known */
export function failedWithin(
  path: RunPath,
  run?: { readonly status: RunStatus; readonly error: { readonly code: string; readonly message: string } | null },
): ContainerFault {
  const { code, message } = run?.error ?? { code: 'handler_failed', message: 'it failed.' };
  const status = run?.status === 'retryable_error' ? { status: run.status } : {};
  return { ok: false, code, message: `${path}: ${message}`, ...status };
}

/** A container had to end although its inner graphs have not come to its end. */
export function stoppedFault(reason: string): ContainerFault {
  return { ok: false, code: 'container_stopped', message: `It was stopped: ${reason}.` };
}
