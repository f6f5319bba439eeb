import type { TenantId } from '../../domain/ids.ts';
import { Repository } from '../repository.ts';
import { GraphRequirement } from './graph-requirement.ts';

export type RequirementRow = Pick<GraphRequirement, 'graphName' | 'eval' | 'scorer' | 'atLeast' | 'definitionHash'>;

/** What graphs of a tenant must score. */
export class RequirementRepository extends Repository {
  list(tenantId: TenantId, graphName?: string): Promise<GraphRequirement[]> {
    const which = { tenantId, ...(graphName === undefined ? {} : { graphName }) };
    return this.em.find(GraphRequirement, which, { orderBy: { graphName: 'asc', eval: 'asc', scorer: 'asc' } });
  }

  async set(tenantId: TenantId, requirement: RequirementRow): Promise<void> {
    const row = { tenantId, ...requirement };
    const key = ['tenantId', 'graphName', 'eval', 'scorer'] as const;
    await this.em
      .createQueryBuilder(GraphRequirement)
      .insert(row)
      .onConflict([...key])
      .merge(['atLeast', 'definitionHash'])
      .execute('run', false);
  }

  async unset(tenantId: TenantId, of: Omit<RequirementRow, 'atLeast' | 'definitionHash'>): Promise<void> {
    await this.em.nativeDelete(GraphRequirement, { tenantId, ...of });
  }
}
