import { defineEntity, p } from '@mikro-orm/core';
import { NODE_KINDS, OUTCOMES } from '../../domain/graphs/kinds.ts';
import type { ArtifactId, TenantId, TraceId } from '../../domain/ids.ts';
import type { Json, JsonObject } from '../../domain/json.ts';
import { RUN_STATUSES, SETTLED_RUN_STATUSES } from '../../domain/traces/trace-status.ts';
import { oneOf } from '../checks.ts';
import { createdAt, keyOf, moment, plainTenantId } from '../columns.ts';
import { AgentTrace } from './agent-trace.ts';

const schema = defineEntity({
  name: 'AgentRun',
  tableName: 'agent_runs',
  properties: {
    id: p.uuid().primary(),
    tenantId: plainTenantId().$type<TenantId>(),
    traceId: () => keyOf(AgentTrace, 'trace_id').$type<TraceId>(),
    nodeId: p.text(),
    agent: p.text(),
    kind: p.enum(NODE_KINDS),
    status: p.enum(RUN_STATUSES).default('pending'),
    /** Tries made so far, the present one included. */
    attempts: p.integer().default(0),
    /** Tries that ended in an error of the handler; a crash of the worker is none. */
    failures: p.integer().default(0),
    /** Tries that never reported an end: their worker died, or was not heard of for too long. */
    crashes: p.integer().default(0),
    /** Of each lost try, by its number, the code that says how it was lost. */
    losses: p.json<JsonObject>().defaultRaw("'{}'"),
    /** Which attempt of which workflow run began the last try, and in which process: a repeated begin is known by it. */
    workflowRun: p.text().nullable(),
    activityAttempt: p.integer().nullable(),
    workerId: p.text().nullable(),
    /** Workflow runs whose attempt was refused as overtaken, each with the number of its last one; 0 before the first. */
    overtaken: p.json<JsonObject>().defaultRaw("'{}'"),
    /** Until when a pending run waits for its next try; null for one that may begin. */
    nextAttemptAt: moment().nullable(),
    /** How long it has waited for rate limits so far, in milliseconds. */
    limitWaitMs: p.bigint('number').default(0),
    /** Whether the last try was given back to wait for a limit. */
    limited: p.boolean().default(false),
    outcome: p.enum(OUTCOMES).nullable(),
    startedAt: moment().nullable(),
    finishedAt: moment().nullable(),
    latencyMs: p.integer().nullable(),
    output: p.json<Json>().nullable(),
    outputArtifactId: p.uuid().$type<ArtifactId>().nullable(),
    /** The path of the run of the same trace that keeps the output for this one; null for one that keeps its own. */
    outputOf: p.text().nullable(),
    errorCode: p.text().nullable(),
    errorText: p.text().nullable(),
    metadataJson: p.json<Json>().nullable(),
    /** The trace in which it was carried out, where this one has only taken it over; null for one of its own. */
    takenFrom: p.uuid().$type<TraceId>().nullable(),
    createdAt: createdAt(),
  },
  uniques: [{ name: 'agent_runs_trace_node_unique', properties: ['traceId', 'nodeId'] }],
  indexes: [{ name: 'agent_runs_created_index', properties: ['createdAt'], type: 'brin' }],
  checks: [
    {
      name: 'agent_runs_finished_check',
      expression: `(finished_at is not null) = (${oneOf('status', SETTLED_RUN_STATUSES)})`,
    },
  ],
});

/** One node's execution within a trace. */
export class AgentRun extends schema.class {
  /** Attempts that never reported an end: those that were counted, and the one that was left running. */
  crashesSoFar(): number {
    return this.crashes + (this.status === 'running' ? 1 : 0);
  }

  /** How the attempts before the present one were lost, in their order: a code for each. */
  lossesSoFar(): string[] {
    return Object.entries(this.losses)
      .filter(([number]) => Number(number) < this.attempts)
      .toSorted(([one], [other]) => Number(one) - Number(other))
      .map(([, how]) => String(how));
  }
}
schema.setClass(AgentRun);
