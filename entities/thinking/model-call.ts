import { defineEntity, p } from '@mikro-orm/core';
import type { TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { ContextReport } from '../../domain/models/context-budget.ts';
import type { AskedCall, ModelAnswer } from '../../domain/models/model-messages.ts';
import { MODEL_CALL_STATES } from '../../domain/thinking/states.ts';
import { keyOf, moment, plainTenantId } from '../columns.ts';
import { Task } from '../tasks/task.ts';

/** What of an answer later steps read. */
export interface StoredAnswer {
  readonly text: string;
  readonly calls: readonly AskedCall[];
  readonly finish: ModelAnswer['finish'];
}

const schema = defineEntity({
  name: 'ModelCall',
  tableName: 'model_calls',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    traceId: p.uuid().$type<TraceId>().primary(),
    path: p.text().primary(),
    step: p.integer().primary(),
    taskId: () => keyOf(Task, 'task_id').$type<TaskId>(),
    agent: p.text(),
    model: p.text(),
    /** Who answered; null before. */
    provider: p.text().nullable(),
    state: p.enum(MODEL_CALL_STATES),
    /** Of the request as it was last made. */
    requestHash: p.text(),
    /** The activity that made it last: a unit of work that runs again finds its own row by it. */
    claim: p.uuid(),
    /** The process that made it last. */
    process: p.text(),
    /** How often it was made. */
    attempts: p.integer().default(1),
    /** How often it was made and has no answer: refused, or broken off. */
    failures: p.integer().default(0),
    /** How often a worker that stopped left it. */
    handovers: p.integer().default(0),
    /** The claims whose answers are in the sums below. The first is the one whose answer counts. */
    paidClaims: p.array<string>().columnType('uuid[]').defaultRaw("'{}'"),
    answer: p.json<StoredAnswer>().nullable(),
    /** Why the answer does not fit the agent's output; null for one that fits, or that calls tools. */
    fault: p.text().nullable(),
    /** Of all answers that were paid for: more than one where a call was repeated in doubt. */
    inputTokens: p.integer().default(0),
    cachedTokens: p.integer().default(0),
    outputTokens: p.integer().default(0),
    reasoningTokens: p.integer().default(0),
    /** In millionths of the installation's currency. */
    costMicros: p.bigint('number').default(0),
    /** Whose key paid: see docs/models.md. */
    keySource: p.text().nullable(),
    /** What of the conversation the model was given; null where nobody knew how much it takes. */
    context: p.json<ContextReport>().nullable(),
    /** Why it failed last. */
    error: p.json<JsonObject>().nullable(),
    /** When it is made again after it failed; null where it is not. */
    retryAt: moment().nullable(),
    /** The trace that made it and paid for it, where this one has only taken it over: then the sums are 0. */
    takenFrom: p.uuid().$type<TraceId>().nullable(),
    startedAt: moment().defaultRaw('now()'),
    finishedAt: moment().nullable(),
  },
  indexes: [
    { name: 'model_calls_trace_index', properties: ['traceId'] },
    { name: 'model_calls_task_index', properties: ['taskId'] },
    { name: 'model_calls_doubt_index', properties: ['tenantId'], where: "state = 'in_doubt'" },
  ],
  checks: [{ name: 'model_calls_step_check', expression: 'step > 0' }],
});

/** One call of a model by a thinking run, known by its step. */
export class ModelCall extends schema.class {}
schema.setClass(ModelCall);
