import type { Handler } from '../../domain/agents/handler.ts';
import { MusterError } from '../../domain/errors.ts';
import type { Graph } from '../../domain/graphs/defined-graph.ts';
import { allNodes, handlerNameOf } from '../../domain/graphs/kinds/kind-table.ts';
import { OPERATION_NAME_PATTERN } from '../../domain/graphs/names.ts';
import { operation } from '../../operations/as-tool.ts';
import type { OperationName } from '../../operations/register.ts';

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
  const named = [...handlers, ...graphs.flatMap((graph) => [...graph.handlers, ...operationsIn(graph)])];
  for (const handler of named.flatMap(withTools)) {
    const key = `${handler.kind}:${handler.name}`;
    if ((byKey.get(key) ?? handler) !== handler) throw new NameTaken(handler.kind, handler.name);
    byKey.set(key, handler);
  }
  const byName = new Map<string, Graph>();
  for (const graph of graphs) {
    const { name } = graph.definition;
    if ((byName.get(name) ?? graph) !== graph) throw new NameTaken('graph', name);
    byName.set(name, graph);
  }
  return { handlers: byKey, graphs: byName };
}

/** A graph written here may name operations; one that others have stored gets none by that. */
function operationsIn({ definition }: Graph): readonly Handler[] {
  const names = allNodes(definition).map((node) => handlerNameOf(node) ?? '');
  const operations = names.filter((name) => OPERATION_NAME_PATTERN.test(name));
  return operations.map((name) => operation(name as OperationName) as unknown as Handler);
}

/** A thinking agent is hosted together with its tools. */
function withTools(handler: Handler): readonly Handler[] {
  return [handler, ...(handler.thinking?.tools ?? [])];
}
