import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { GraphInvalid, graphFault } from '../../domain/graphs/graph-faults.ts';
import { allNodes, operationsOf } from '../../domain/graphs/kinds/kind-table.ts';
import { type Caller, PermissionDenied } from '../caller.ts';
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
