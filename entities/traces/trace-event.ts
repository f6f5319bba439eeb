import { defineEntity, p } from '@mikro-orm/core';
import type { TenantId, TraceId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import { TRACE_EVENT_TYPES } from '../../domain/traces/events.ts';
import { keyOf, moment, plainTenantId } from '../columns.ts';
import { AgentTrace } from './agent-trace.ts';

const schema = defineEntity({
  name: 'TraceEvent',
  tableName: 'trace_events',
  properties: {
    traceId: () => keyOf(AgentTrace, 'trace_id').$type<TraceId>().primary(),
    seq: p.integer().primary().autoincrement(false).check('seq > 0'),
    tenantId: plainTenantId().$type<TenantId>(),
    type: p.enum(TRACE_EVENT_TYPES),
    nodeId: p.text().nullable(),
    data: p.json<Json>().nullable(),
    at: moment().defaultRaw('now()'),
  },
  indexes: [{ name: 'trace_events_at_index', properties: ['at'], type: 'brin' }],
});

/** What happened in a trace, in order and without a gap. Rows are only added. */
export class TraceEvent extends schema.class {}
schema.setClass(TraceEvent);
