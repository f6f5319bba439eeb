import type { TenantId } from '../../domain/ids.ts';
import { Repository } from '../repository.ts';
import { GraphRequirement } from './graph-requirement.ts';

export type RequirementRow = Pick<GraphRequirement, 'graphName' | 'eval' | 'scorer' | 'atLeast'>;

/** What graphs of a tenant must score. */
export class RequirementRepository extends Repository {
  list(tenantId: TenantId, graphName?: string): Promise<GraphRequirement[]> {
    const which = { tenantId, ...(graphName === undefined ? {} : { graphName }) };
    return this.em.find(GraphRequirement, which, { orderBy: { graphName: 'asc', eval: 'asc', scorer: 'asc' } });
  }

  async set(tenantId: TenantId, { atLeast, ...of }: RequirementRow): Promise<void> {
    const row = { tenantId, ...of, atLeast };
    const key = ['tenantId', 'graphName', 'eval', 'scorer'] as const;
    await this.em
      .createQueryBuilder(GraphRequirement)
      .insert(row)
      .onConflict([...key])
      .merge(['atLeast'])
      .execute('run', false);
  }

  async unset(tenantId: TenantId, of: Omit<RequirementRow, 'atLeast'>): Promise<void> {
    await this.em.nativeDelete(GraphRequirement, { tenantId, ...of });
  }
}
