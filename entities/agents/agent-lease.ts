import { defineEntity, p } from '@mikro-orm/core';
import type { AgentId, LeaseId, TenantId } from '../../domain/ids.ts';
import { moment, tenantId } from '../columns.ts';

const schema = defineEntity({
  name: 'AgentLease',
  tableName: 'agent_leases',
  properties: {
    id: p.uuid().$type<LeaseId>().primary(),
    tenantId: tenantId().$type<TenantId>(),
    /** Host, process and start: the name of a worker or of a program. */
    process: p.text(),
    /** The agents for which the process may speak; none for a program that only sends. */
    agentIds: p.array<AgentId>().columnType('uuid[]').defaultRaw("'{}'"),
    /** The task queue that a worker serves; null for every other process. */
    taskQueue: p.text().nullable(),
    /** What a worker hosts, as `kind:name`. */
    handlers: p.array().columnType('text[]').defaultRaw("'{}'"),
    /** The newest execution rules that a worker knows; null for one of an earlier version, and for every other process. */
    executionRules: p.integer().nullable(),
    /** Ed25519, as SPKI in base64. The private key never leaves the process. */
    publicKey: p.text(),
    /** From the sequence `muster.agent_lease_fence`: grows with every lease. */
    fence: p.bigint('number'),
    grantedAt: moment().defaultRaw('now()'),
    renewedAt: moment().defaultRaw('now()'),
    endedAt: moment().nullable(),
    endReason: p.text().nullable(),
  },
  indexes: [
    { name: 'agent_leases_open_index', properties: ['tenantId', 'process'], where: 'ended_at is null' },
    { name: 'agent_leases_ended_index', properties: ['endedAt'], where: 'ended_at is not null' },
  ],
  checks: [{ name: 'agent_leases_ended_check', expression: '(ended_at is null) = (end_reason is null)' }],
});

/** The right of one process to speak and act for its agents, until it falls silent or says goodbye. */
export class AgentLease extends schema.class {}
schema.setClass(AgentLease);
