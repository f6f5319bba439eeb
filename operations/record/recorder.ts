import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TraceId } from '../../domain/ids.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import type { LeavingVerdict } from '../../domain/traces/attempt.ts';
import { type AuditRow, auditRowsFrom } from '../../entities/audit/audit-rows.ts';
import { runPart } from '../../entities/insert-from.ts';
import { type OutboxRow, outboxRowsFrom } from '../../entities/system/outbox-rows.ts';
import type { AnnouncedEffect } from '../../entities/system/statements/announce-effect.ts';
import { TRACE, type TraceParts } from '../../entities/traces/event-rows.ts';
import { beginRuns } from './begin-runs.ts';
import { type EffectDone, type EffectRecord, finishEffect, writeEffect } from './effects.ts';
import { endRuns } from './end-runs.ts';
import { closeTrace, type EndedTask, endTasks } from './end-tasks.ts';
import { leaveAttempt } from './leave-attempt.ts';
import { explainLoss, findLoss } from './note-losses.ts';
import type {
  AttemptNote,
  LostAttempt,
  NewTraceEvent,
  RunAttempt,
  RunBeginning,
  RunEnd,
  RunLeft,
  RunSubject,
  StandingEnd,
  TaskEnd,
} from './notes.ts';
import { replaceRuns } from './replace-runs.ts';
import { appendEvents, appendStretches, beginStretch } from './write-events.ts';

/**
 * Writes what happened, within one unit of work: the only writer of traces, runs, events, the audit log, the outbox and
 * the effect ledger. Get one from `recording`. Every method is one statement, and all that it writes is written or none.
 */
export class Recorder {
  readonly #em: SqlEntityManager;
  readonly #trace: TraceParts;

  /** @param trace the parts that write the trace, or those that leave it out */
  constructor(em: SqlEntityManager, trace: TraceParts = TRACE) {
    this.#em = em;
    this.#trace = trace;
  }

  /**
   * Notes that an attempt begins, gives it its number, and writes its event. Repeating it, after a commit whose answer was
   * lost, changes nothing. An attempt that is found without an end counts as lost when the same workflow run begins a
   * later one.
   */
  async runBegan(execution: ExecutionRef, subject: RunSubject, attempt: AttemptNote): Promise<RunBeginning> {
    const [begun] = await beginRuns(this.#em, this.#trace, [{ execution, subject, attempt }]);
    return begun ?? { kind: 'stale' };
  }

  /**
   * Writes the end of an attempt's run under the attempt's number, with its event. False when a later attempt or claim has
   * taken over: what this one found is thrown away. Repeating it is true again and changes nothing.
   */
  async runEnded(execution: ExecutionRef, end: RunEnd): Promise<boolean> {
    const [written] = await endRuns(this.#em, this.#trace, [{ execution, end }]);
    return written === true;
  }

  /** Writes how an attempt left its run without an end. Nothing changes where a later attempt has taken over. */
  attemptLeft(run: RunAttempt, verdict: LeavingVerdict): Promise<void> {
    return leaveAttempt(this.#em, run, verdict);
  }

  /** Notes how an attempt was lost that a later one found without an end, from what the database knows of its process. */
  lossFound(run: Omit<RunAttempt, 'number'>, lost: LostAttempt): Promise<void> {
    return findLoss(this.#em, run, lost);
  }

  /** Lets a process say how its own attempt was, or will be, lost. It overrides what others found. */
  lossExplained(run: RunAttempt, how: string): Promise<void> {
    return explainLoss(this.#em, run, how);
  }

  /**
   * Replaces the open rows of these runs by their ends, or by how they wait; their events are written apart. A run that
   * has ended keeps its end, and nothing is written under a stale fence.
   * @returns the nodes whose rows were written by this call: fewer than were given where somebody else has written one, or
   *   this very call before its answer was lost; null when the fence is stale
   */
  async runsReplaced(execution: ExecutionRef, ends: readonly RunLeft[]): Promise<ReadonlySet<string> | null> {
    const [written] = await replaceRuns(this.#em, [{ execution, ends }]);
    return written ?? null;
  }

  /** Adds events at the end of the trace. Does nothing once the trace has ended: the last event stays the last. */
  async eventHappened(traceId: TraceId, events: readonly NewTraceEvent[]): Promise<void> {
    if (this.#trace === TRACE) await appendEvents(this.#em, [{ traceId, events }]);
  }

  /** Counts that a stretch of quick nodes begins, and says how many began since one was last written. */
  async stretchBegan(traceId: TraceId): Promise<number> {
    return this.#trace === TRACE ? beginStretch(this.#em, traceId) : 1;
  }

  /** Adds the events of a stretch, and counts it as written. */
  async stretchEnded(traceId: TraceId, events: readonly NewTraceEvent[]): Promise<void> {
    if (this.#trace === TRACE) await appendStretches(this.#em, [{ traceId, events }]);
  }

  /**
   * Ends a task under its claim's fence: its row, dead-lettered if it failed, the audit row, the outgoing event, its slots,
   * and its trace with the last events. A cancel that was accepted before wins: then it ends as cancelled.
   * @returns how the task stands, which is otherwise when it had ended before; null when the fence is stale
   */
  async taskEnded(end: TaskEnd, more: Omit<EndedTask, 'end'> = {}): Promise<StandingEnd | null> {
    const [standing] = await endTasks(this.#em, this.#trace, [{ end, ...more }]);
    return standing ?? null;
  }

  /** Ends a trace whose task has ended without it, with these events and its last one. One that has ended is left alone. */
  async traceEnded(
    traceId: TraceId,
    end: Pick<TaskEnd, 'status' | 'failure'>,
    events: readonly NewTraceEvent[] = [],
  ): Promise<void> {
    if (this.#trace === TRACE) await closeTrace(this.#em, traceId, { ...end, events });
  }

  /** Adds a row to the audit log. */
  audited(row: AuditRow & { readonly tenant: string; readonly subjectId: string }): Promise<void> {
    return runPart(this.#em, auditRowsFrom(null, row));
  }

  /** Asks for what is to be done outside the database once this unit of work has committed. */
  announced(row: OutboxRow & { readonly tenant: string; readonly taskId: OutboxRow['taskId'] }): Promise<void> {
    return runPart(this.#em, outboxRowsFrom(null, row));
  }

  /**
   * Announces an effect before its call, or returns what was written for it before. A repetition of a unit of work whose
   * commit went unanswered meets its own row, with `created` false.
   */
  effectAnnounced(execution: ExecutionRef, effect: AnnouncedEffect): Promise<EffectRecord> {
    return writeEffect(this.#em, execution, effect);
  }

  /** Records that an effect has happened, with its result or with why that cannot be kept. The first record stands. */
  effectFinished(execution: ExecutionRef, key: string, done: EffectDone): Promise<void> {
    return finishEffect(this.#em, { execution, key }, done);
  }
}
