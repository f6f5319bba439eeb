import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { GraphInvalid, graphFault } from '../../domain/graphs/graph-faults.ts';
import { allNodes, operationsOf } from '../../domain/graphs/kinds/kind-table.ts';
import type { GraphId } from '../../domain/ids.ts';
import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import { type Caller, PermissionDenied } from '../caller.ts';
import type { Call } from '../define.ts';
import type { Stores } from '../stores.ts';

/**
 * A node may do what its operation needs: so a graph that names one is published, and activated, only by a caller who may do
 * that too.
 * @throws GraphInvalid, PermissionDenied
 */
export function requireGranted(
  caller: Caller,
  definition: GraphDefinition,
  { permissionOf }: Pick<Stores, 'permissionOf'>,
): void {
  for (const node of allNodes(definition)) {
    for (const name of operationsOf(node)) {
      const permission = permissionOf(name);
      if (permission === null) {
        const message = `Node "${node.id}" has the operation ${name} as its tool, and there is none of this name.`;
        throw new GraphInvalid(definition.name, [graphFault('name_invalid', ['nodes', node.id], message)]);
      }
      if (!caller.permissions.has(permission)) throw new PermissionDenied(caller, name, permission);
    }
  }
}

/**
 * A version that was never active came by an import or as a draft: who runs it has to be permitted what its nodes do.
 * @throws GraphInvalid, PermissionDenied
 */
export async function requireGrantedIfNew(
  em: SqlEntityManager,
  { caller, stores }: Pick<Call, 'caller' | 'stores'>,
  { id, definition }: { readonly id: GraphId; readonly definition: GraphDefinition },
): Promise<void> {
  if (!(await new GraphRepository(em).wasActive(id))) requireGranted(caller, definition, stores);
}
