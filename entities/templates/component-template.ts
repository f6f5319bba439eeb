import { defineEntity, p } from '@mikro-orm/core';
import type { NodeKind } from '../../domain/graphs/kinds.ts';
import type { TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { moment, plainTenantId } from '../columns.ts';

const schema = defineEntity({
  name: 'ComponentTemplate',
  tableName: 'component_templates',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    name: p.text().primary(),
    /** Counts its changes, from 1. */
    revision: p.integer().default(1),
    description: p.text().default(''),
    componentType: p.text().$type<NodeKind>(),
    /** What a configuration has to fit once the defaults are filled in. */
    configurationSchema: p.json<JsonObject>().defaultRaw("'{}'"),
    defaultConfiguration: p.json<JsonObject>().defaultRaw("'{}'"),
    updatedAt: moment().defaultRaw('now()'),
  },
});

/** The configuration of a kind of component, which components of graphs are made from by its name. */
export class ComponentTemplate extends schema.class {}
schema.setClass(ComponentTemplate);
