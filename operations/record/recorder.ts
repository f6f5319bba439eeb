import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TraceId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { type AuditRow, auditRowsFrom } from '../../entities/audit/audit-rows.ts';
import { runPart } from '../../entities/insert-from.ts';
import { type AnnouncedEffect, type EffectRecord, EffectRepository } from '../../entities/system/effect-repository.ts';
import { type OutboxRow, outboxRowsFrom } from '../../entities/system/outbox-rows.ts';
import { AttemptRepository } from '../../entities/traces/attempt-repository.ts';
import { TRACE, type TraceParts } from '../../entities/traces/event-rows.ts';
import { RunRepository } from '../../entities/traces/run-repository.ts';
import { TraceRepository } from '../../entities/traces/trace-repository.ts';
import type {
  AttemptLeft,
  AttemptNote,
  LostAttempt,
  NewTraceEvent,
  RunAttempt,
  RunBeginning,
  RunEnd,
  RunSubject,
  RunWait,
  StandingEnd,
  TaskEnd,
} from './notes.ts';

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
  runBegan(execution: ExecutionRef, subject: RunSubject, attempt: AttemptNote): Promise<RunBeginning> {
    return new AttemptRepository(this.#em).begin(execution, subject, { ...attempt, record: this.#trace === TRACE });
  }

  /**
   * Writes the end of an attempt's run under the attempt's number, with its event. False when a later attempt or claim has
   * taken over: what this one found is thrown away. Repeating it is true again and changes nothing.
   */
  runEnded(execution: ExecutionRef, end: RunEnd): Promise<boolean> {
    return new RunRepository(this.#em).end(execution, end, { record: this.#trace === TRACE });
  }

  /**
   * Writes how an attempt left its run without an end. Nothing changes where a later attempt has taken over.
   * @returns false only for a limit that the run would wait for too long: then nothing is noted
   */
  async attemptLeft(execution: ExecutionRef, run: RunAttempt, left: AttemptLeft): Promise<boolean> {
    const runs = new AttemptRepository(this.#em);
    if (left.because === 'limited') return runs.waitForLimit(run, execution, left);
    if (left.because === 'failed') await runs.retryLater(run, left.error, left.waitMs);
    else if (left.because === 'lost') await runs.giveUpAsLost(run, left.how);
    else await runs.giveBack(run);
    return true;
  }

  /** Notes how an attempt was lost that a later one found without an end, from what the database knows of its process. */
  lossFound(run: Omit<RunAttempt, 'number'>, lost: LostAttempt): Promise<void> {
    return new AttemptRepository(this.#em).judgeLoss(run, lost);
  }

  /** Lets a process say how its own attempt was, or will be, lost. It overrides what others found. */
  lossExplained(run: RunAttempt, how: string): Promise<void> {
    return new AttemptRepository(this.#em).explainLoss(run, how);
  }

  /**
   * Replaces the open rows of these runs by their ends, or by how they wait; their events are written apart. A run that
   * has ended keeps its end.
   * @returns the nodes whose rows were written by this call: fewer than were given where somebody else has written one, or
   *   this very call before its answer was lost
   */
  runsReplaced(execution: ExecutionRef, ends: readonly (RunEnd | RunWait)[]): Promise<ReadonlySet<string>> {
    return new RunRepository(this.#em).replaceOpen(execution, ends);
  }

  /** Adds events at the end of the trace. Does nothing once the trace has ended: the last event stays the last. */
  async eventHappened(traceId: TraceId, events: readonly NewTraceEvent[]): Promise<void> {
    if (this.#trace === TRACE) await new TraceRepository(this.#em).append(traceId, events);
  }

  /** Counts that a stretch of quick nodes begins, and says how many began since one was last written. */
  async stretchBegan(traceId: TraceId): Promise<number> {
    return this.#trace === TRACE ? new TraceRepository(this.#em).beginStretch(traceId) : 1;
  }

  /** Adds the events of a stretch, and counts it as written. */
  async stretchEnded(traceId: TraceId, events: readonly NewTraceEvent[]): Promise<void> {
    if (this.#trace === TRACE) await new TraceRepository(this.#em).appendStretch(traceId, events);
  }

  /**
   * Ends a task under its claim's fence: its row, dead-lettered if it failed, the audit row, the outgoing event, its slots,
   * and its trace with the last event. A cancel that was accepted before wins: then it ends as cancelled.
   * @returns how the task stands, which is otherwise when it had ended before; null when the fence is stale
   */
  taskEnded(end: TaskEnd): Promise<StandingEnd | null> {
    return new TraceRepository(this.#em).endTask(end, { record: this.#trace === TRACE });
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
    return new EffectRepository(this.#em).announce(execution, effect);
  }

  /** Records that an effect has happened, with its result or with why that cannot be kept. The first record stands. */
  effectFinished(execution: ExecutionRef, key: string, done: { result: Json; fault: string | null }): Promise<void> {
    return new EffectRepository(this.#em).finish(execution, key, done);
  }
}
