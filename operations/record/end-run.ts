import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type QueryCreator, sql } from 'kysely';
import type { ArtifactId, TaskId, TraceId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { givenValue } from '../../entities/statements/given-values.ts';
import { named } from '../../entities/statements/named-parts.ts';
import type { Places } from '../../entities/statements/statement.ts';
import type { Tables } from '../../entities/tables.ts';
import type { TraceParts } from '../../entities/traces/event-rows.ts';
import { latencyOf } from '../../entities/traces/statements/latency.ts';
import { traced } from '../../entities/traces/traced-statement.ts';
import type { RunEnd } from './notes.ts';
import { noteOne, numberOne } from './write-events.ts';

/** The end of a run, and of which execution. */
export interface EndedRun {
  readonly execution: ExecutionRef;
  readonly end: RunEnd;
}

const GIVEN = {
  taskId: givenValue<TaskId>('uuid'),
  fence: givenValue<number>('bigint'),
  traceId: givenValue<TraceId>('uuid'),
  nodeId: givenValue<string>('text'),
  status: givenValue<RunEnd['status']>('text'),
  attempts: givenValue<number>('int'),
  failures: givenValue<number>('int'),
  outcome: givenValue<RunEnd['outcome']>('text'),
  /** JSON already. */
  output: givenValue<string | null>('text'),
  outputArtifactId: givenValue<ArtifactId | null>('uuid'),
  errorCode: givenValue<string | null>('text'),
  errorText: givenValue<string | null>('text'),
  event: givenValue<string>('text'),
  data: givenValue<Json>('jsonb'),
};
type Given = Places<typeof GIVEN>;

function task({ taskId, fence }: Given) {
  return (q: QueryCreator<Tables>) =>
    q.selectFrom('tasks').where('id', '=', taskId).where('fence', '=', fence).select('tenantId');
}

/** Ends the run; what it returns is its event. */
function endedRun({ traceId, nodeId, attempts, ...given }: Given) {
  return (q: QueryCreator<Tables & { task: { tenantId: string } }>) =>
    q
      .updateTable('agent_runs as r')
      .from('task')
      .set((eb) => ({
        status: given.status,
        failures: given.failures,
        outcome: given.outcome,
        output: eb.cast<Json>(given.output, 'jsonb'),
        outputArtifactId: given.outputArtifactId,
        errorCode: given.errorCode,
        errorText: given.errorText,
        finishedAt: eb.fn<Date>('clock_timestamp'),
        latencyMs: latencyOf(eb.ref('r.startedAt'), eb.fn('clock_timestamp')),
      }))
      .where('r.traceId', '=', traceId)
      .where('r.nodeId', '=', nodeId)
      .where('r.status', '=', 'running')
      .where('r.attempts', '=', attempts)
      .returning(['r.traceId', 'r.nodeId', given.event.as('type'), given.data.as('data')]);
}

const END = traced(GIVEN, (given, trace) =>
  named
    .with('task', task(given))
    .with('happened', endedRun(given))
    .with('numbered', numberOne(trace))
    .with('noted', noteOne(trace))
    .main.selectFrom('happened')
    .select(sql<number>`1`.as('written'))
    // One that had ended so before: this very call, whose answer was lost.
    .unionAll((eb) =>
      eb
        .selectFrom('task')
        .innerJoin('agent_runs as r', (join) => join.onTrue())
        .where('r.traceId', '=', given.traceId)
        .where('r.nodeId', '=', given.nodeId)
        .where('r.attempts', '=', given.attempts)
        .where('r.status', '=', given.status)
        .select(sql<number>`1`.as('written')),
    ),
);

/**
 * Writes the end of a run under the number of its attempt, with its event: one statement. False where a later attempt or
 * claim has taken over. Repeating it is true again and changes nothing. By the keys of task, run and trace.
 */
export async function endRun(em: SqlEntityManager, trace: TraceParts, { execution, end }: EndedRun): Promise<boolean> {
  const { taskId, fence, traceId } = execution;
  const { nodeId, status, attempts, failures, outcome, output, error } = end;
  const rows = await END(trace).run(em, {
    ...{ taskId, fence, traceId, nodeId, status, attempts, failures, outcome },
    ...{ output: output.json, outputArtifactId: output.artifactId },
    ...{ errorCode: error?.code ?? null, errorText: error?.message ?? null },
    event: status === 'ok' ? 'run.completed' : 'run.failed',
    data: { attempt: attempts, ...error },
  });
  return rows.length > 0;
}
