import { defineEntity, p } from '@mikro-orm/core';
import type { GrantId, TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { createdAt, moment, plainTenantId } from '../columns.ts';

const schema = defineEntity({
  name: 'Grant',
  tableName: 'grants',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    id: p.uuid().$type<GrantId>().primary(),
    agent: p.text(),
    tool: p.text(),
    /** What the tool was then, where it can change: see `GovernedTool.digest`. */
    toolDigest: p.text().nullable(),
    /** The JSON Schema that arguments must fit; null for any arguments. */
    condition: p.json<JsonObject>().nullable(),
    approval: p.boolean().default(false),
    perTask: p.integer().check('per_task > 0').nullable(),
    perHour: p.integer().check('per_hour > 0').nullable(),
    expiresAt: moment().nullable(),
    grantedBy: p.text(),
    createdAt: createdAt(),
    /** A revoked grant is kept: what was decided by it names it. */
    revokedAt: moment().nullable(),
  },
  indexes: [{ name: 'grants_held_index', properties: ['tenantId', 'agent', 'tool'], where: 'revoked_at is null' }],
});

/** That an agent of a tenant may use a tool. */
export class Grant extends schema.class {}
schema.setClass(Grant);
