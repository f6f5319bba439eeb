import { raw } from '@mikro-orm/core';
import { SYSTEM_TENANT, type TenantId } from '../../domain/ids.ts';
import { canonicalJson, type Json } from '../../domain/json.ts';
import { lockGraphName } from '../graphs/statements/lock-graph-name.ts';
import { Repository } from '../repository.ts';
import { AgentTemplate } from './agent-template.ts';
import { ComponentTemplate } from './component-template.ts';

type Written<Template> = Omit<Template, 'tenantId' | 'revision' | 'uses' | 'updatedAt'>;
export type NewComponentTemplate = Written<Pick<ComponentTemplate, keyof ComponentTemplate & string>>;
export type NewAgentTemplate = Written<Pick<AgentTemplate, keyof AgentTemplate & string>>;

/** Templates. A tenant's own come before those of the same name that every tenant may use. */
export class TemplateRepository extends Repository {
  /** Writes a template, or the next revision of it; the same again changes nothing. @returns its revision */
  async saveComponent(tenantId: TenantId, template: NewComponentTemplate): Promise<number> {
    const key = await this.#lock(tenantId, template.name);
    const known = await this.em.findOne(ComponentTemplate, key, { refresh: true });
    if (known === null) await this.em.insert(ComponentTemplate, { ...template, tenantId });
    if (known === null || isSame(known, template)) return known?.revision ?? 1;
    const [revision, updatedAt] = [known.revision + 1, raw('now()')];
    await this.em.nativeUpdate(ComponentTemplate, key, { ...template, revision, updatedAt });
    return revision;
  }

  /** The same of a whole graph. */
  async saveAgent(tenantId: TenantId, template: NewAgentTemplate): Promise<number> {
    const key = await this.#lock(tenantId, template.name);
    const known = await this.em.findOne(AgentTemplate, key, { refresh: true });
    if (known === null) await this.em.insert(AgentTemplate, { ...template, tenantId });
    if (known === null || isSame(known, template)) return known?.revision ?? 1;
    const [revision, updatedAt] = [known.revision + 1, raw('now()')];
    await this.em.nativeUpdate(AgentTemplate, key, { ...template, revision, updatedAt });
    return revision;
  }

  /** Those of these names, by name; all of them where none is given. */
  async components(tenant: TenantId, names?: readonly string[]): Promise<ReadonlyMap<string, ComponentTemplate>> {
    const where = { tenantId: { $in: [tenant, SYSTEM_TENANT] }, ...(names && { name: { $in: [...names] } }) };
    return byName(tenant, await this.em.find(ComponentTemplate, where, { refresh: true, orderBy: { name: 'asc' } }));
  }

  async agents(tenant: TenantId, names?: readonly string[]): Promise<ReadonlyMap<string, AgentTemplate>> {
    const where = { tenantId: { $in: [tenant, SYSTEM_TENANT] }, ...(names && { name: { $in: [...names] } }) };
    return byName(tenant, await this.em.find(AgentTemplate, where, { refresh: true, orderBy: { name: 'asc' } }));
  }

  /** Counts one graph more that was made from a template. */
  async used({ tenantId, name }: Pick<AgentTemplate, 'tenantId' | 'name'>): Promise<void> {
    const uses = raw('uses + 1');
    await this.em.nativeUpdate(AgentTemplate, { tenantId, name }, { uses });
  }

  /** Puts those in order who write a template of one name. */
  async #lock(tenantId: TenantId, name: string) {
    await lockGraphName(this.em, tenantId, `template/${name}`);
    return { tenantId, name };
  }
}

function isSame(known: object, template: object): boolean {
  const now = Object.fromEntries(Object.entries(known).filter(([name]) => name in template));
  return canonicalJson(now as Json & object) === canonicalJson({ ...template } as Json & object);
}

function byName<Template extends { readonly tenantId: TenantId; readonly name: string }>(
  tenant: TenantId,
  found: readonly Template[],
): ReadonlyMap<string, Template> {
  const shared = found.filter(({ tenantId }) => tenantId !== tenant);
  const own = found.filter(({ tenantId }) => tenantId === tenant);
  return new Map([...shared, ...own].map((template) => [template.name, template]));
}
