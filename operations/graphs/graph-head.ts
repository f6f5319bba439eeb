import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TenantId } from '../../domain/ids.ts';
import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import type { GraphHead } from '../../entities/graphs/statements/graph-heads.ts';
import { GraphUnknown, GraphVersionUnknown } from '../operation-errors.ts';

/**
 * A version of a graph that the tenant may use, drafts included; the active one where none is named.
 * @throws GraphUnknown, GraphVersionUnknown
 */
export async function graphHead(
  em: SqlEntityManager,
  tenant: TenantId,
  { name, version }: { readonly name: string; readonly version?: number | undefined },
): Promise<GraphHead> {
  const graphs = new GraphRepository(em);
  const head = await graphs.head(tenant, name, version);
  if (head !== null) return head;
  if (version === undefined) throw new GraphUnknown(name, await graphs.listActive(tenant));
  throw new GraphVersionUnknown(name, version, await graphs.versions(tenant, name));
}
