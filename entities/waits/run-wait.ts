import { defineEntity, p, raw } from '@mikro-orm/core';
import type { TaskId, TenantId, TraceId, WaitId } from '../../domain/ids.ts';
import { canonicalJson, type Json, type JsonObject } from '../../domain/json.ts';
import { RUN_WAIT_KINDS, RUN_WAIT_STATES } from '../../domain/tasks/run-waits.ts';
import { createdAt, keyOf, moment, plainTenantId } from '../columns.ts';
import { Task } from '../tasks/task.ts';
import { AgentTrace } from '../traces/agent-trace.ts';

const schema = defineEntity({
  name: 'RunWait',
  tableName: 'run_waits',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    id: p.uuid().$type<WaitId>().primary(),
    taskId: () => keyOf(Task, 'task_id').$type<TaskId>(),
    traceId: () => keyOf(AgentTrace, 'trace_id').$type<TraceId>(),
    path: p.text(),
    kind: p.enum(RUN_WAIT_KINDS),
    /** Of the message or the event. */
    name: p.text().nullable(),
    /** Of the event; null where any will do. */
    key: p.text().nullable(),
    /** What is asked, as people are shown it. */
    request: p.json<JsonObject>().defaultRaw("'{}'"),
    state: p.enum(RUN_WAIT_STATES).default('waiting'),
    /** What came; of a collector that still waits, what it knows so far. */
    answer: p.json<Json>().nullable(),
    answeredBy: p.text().nullable(),
    answeredAt: moment().nullable(),
    /** The call that told what came or is known: it may be carried out again. */
    callId: p.uuid().nullable(),
    /** When it ends by itself: a wait for a time well, any other as expired. */
    until: moment().nullable(),
    createdAt: createdAt(),
  },
  uniques: [
    { name: 'run_waits_run_unique', properties: ['tenantId', 'traceId', 'path'] },
    { name: 'run_waits_call_unique', properties: ['callId'], where: 'call_id is not null' },
  ],
  indexes: [
    { name: 'run_waits_trace_index', properties: ['traceId'] },
    { name: 'run_waits_task_index', properties: ['taskId'] },
    { name: 'run_waits_waiting_index', properties: ['tenantId', 'kind', 'name'], where: "state = 'waiting'" },
  ],
  checks: [{ name: 'run_waits_answered_check', expression: "(answered_at is not null) = (state = 'answered')" }],
});

/** The database's time by now, however long ago the transaction began. */
const clock = () => raw<Date>('clock_timestamp()');

/** What a run waits for that is not an approval: one row a run. A row is locked before it is changed. */
export class RunWait extends schema.class {
  /** Notes what came. A wait ends once: call this only for one that waits. */
  end(answer: Json, by: string, callId: string | null): void {
    Object.assign(this, { state: 'answered', answer, answeredBy: by, answeredAt: clock(), callId });
  }

  /** Whether it asks for the same as another one. */
  isLike({ kind, name, key, request }: Pick<RunWait, 'kind' | 'name' | 'key' | 'request'>): boolean {
    const asked = [this.kind, this.name ?? null, this.key ?? null, this.request];
    return canonicalJson(asked) === canonicalJson([kind, name ?? null, key ?? null, request]);
  }
}
schema.setClass(RunWait);
