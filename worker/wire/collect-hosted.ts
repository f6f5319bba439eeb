import type { Handler } from '../../domain/agents/handler.ts';
import { MusterError } from '../../domain/errors.ts';
import { type Graph, withChildren } from '../../domain/graphs/defined-graph.ts';
import { allNodes, operationsOf } from '../../domain/graphs/kinds/kind-table.ts';
import { operation } from '../../operations/as-tool.ts';
import { OPERATIONS, type OperationName } from '../../operations/register.ts';
import type { ModelCaller } from '../../providers/model-caller.ts';

/** Two different handlers or graphs have one name. */
class NameTaken extends MusterError {
  readonly code = 'handler_definition_invalid';
  constructor(what: string, name: string) {
    super(`Two different ${what}s are called "${name}". Rename one of them: within a worker a name means one thing.`, {
      name,
    });
  }
}

/** What a worker carries out. */
export interface Hosted {
  /** By `kind:name`. */
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly graphs: ReadonlyMap<string, Graph>;
}

/**
 * Collects graphs, their handlers, the operations that they name, and the other handlers.
 * @throws NameTaken
 * @throws HandlerDefinitionInvalid for a name that no operation has
 */
export function collectHosted(handlers: readonly Handler[], graphs: readonly Graph[]): Hosted {
  const byKey = new Map<string, Handler>();
  const all = withChildren(graphs);
  const named = [...handlers, ...all.flatMap((graph) => [...graph.handlers, ...operationsIn(graph)])];
  for (const handler of named.flatMap(withTools)) {
    const key = `${handler.kind}:${handler.name}`;
    if ((byKey.get(key) ?? handler) !== handler) throw new NameTaken(handler.kind, handler.name);
    byKey.set(key, handler);
  }
  const byName = new Map<string, Graph>();
  for (const graph of all) {
    const { name } = graph.definition;
    if ((byName.get(name) ?? graph) !== graph) throw new NameTaken('graph', name);
    byName.set(name, graph);
  }
  return { handlers: byKey, graphs: byName };
}

/** The operations that a graph names, as nodes or as tools of its llms. */
function operationsIn({ definition }: Graph): readonly Handler[] {
  return allNodes(definition)
    .flatMap(operationsOf)
    .map((name) => operation(name as OperationName) as unknown as Handler);
}

/** What nodes may ask of a worker, as `kind:name`: its handlers, every operation, and the models that it can call. */
export function offersOf({ handlers }: Hosted, models: Pick<ModelCaller, 'names'> | null): readonly string[] {
  const operations = OPERATIONS.map(({ name }) => `tool:${name}`);
  const callable = models?.names().flatMap((name) => [`llm:${name}`, `guardrail:${name}`]) ?? [];
  return [...new Set([...handlers.keys(), ...operations, ...callable])];
}

/** A thinking agent is hosted together with its tools. */
function withTools(handler: Handler): readonly Handler[] {
  return [handler, ...(handler.thinking?.tools ?? [])];
}
