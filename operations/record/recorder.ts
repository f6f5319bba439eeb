import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TraceId } from '../../domain/ids.ts';
import type { ExecutionRef, Failure } from '../../domain/tasks/execution.ts';
import type { LeavingVerdict } from '../../domain/traces/attempt.ts';
import type { AnnouncedEffect } from '../../entities/system/statements/announce-effect.ts';
import { TRACE, type TraceParts } from '../../entities/traces/event-rows.ts';
import { type AnnouncedCall, announceCall } from './announce-call.ts';
import { type CallAnswered, recordAnswer, recordFurtherAnswer } from './answer-call.ts';
import { beginRun } from './begin-run.ts';
import { type EffectDone, type EffectRecord, finishEffect, writeEffect } from './effects.ts';
import { endRun } from './end-run.ts';
import { closeTrace, type EndedTask, endTasks } from './end-tasks.ts';
import { leaveAttempt } from './leave-attempt.ts';
import { type ClaimedStep, recordCallLeft, recordDoubt, recordFailure, recordPostponed } from './model-calls.ts';
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
import { type OpenedStretch, openStretch } from './open-stretch.ts';
import { replaceRuns } from './replace-runs.ts';
import { type TakenOver, takeOverRuns } from './take-over-runs.ts';
import {
  recordToolBegun,
  recordToolEnd,
  recordToolLeft,
  recordToolWaits,
  type ToolBegun,
  type ToolCallPlace,
  type ToolEnd,
} from './tool-calls.ts';
import { appendEvents } from './write-events.ts';

/**
 * Writes what happened, within one unit of work: the only writer of traces, runs, events, the effect ledger and
 * what thinking runs ask. Get one from `recording`. A method of several statements needs a unit of work of several.
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
    return beginRun(this.#em, this.#trace, { execution, subject, attempt });
  }

  /**
   * Writes the end of an attempt's run under the attempt's number, with its event. False when a later attempt or claim
   * has taken over: the result of this one is discarded. Repeating it is true again and changes nothing.
   */
  runEnded(execution: ExecutionRef, end: RunEnd): Promise<boolean> {
    return endRun(this.#em, this.#trace, { execution, end });
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

  /** Counts that a stretch of quick nodes begins, and reads its task. Null, with nothing counted, under a stale fence. */
  stretchBegan(execution: ExecutionRef): Promise<OpenedStretch | null> {
    return openStretch(this.#em, this.#trace, execution);
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

  /** See {@link takeOverRuns}. @returns how many events the trace has then */
  runsTakenOver(taken: TakenOver): Promise<number> {
    return takeOverRuns(this.#em, taken, { events: this.#trace === TRACE });
  }

  /**
   * Announces an effect before its call, or returns what was written for it before. A repetition of a unit of work whose
   * commit went unanswered meets its own row, with `created` false.
   */
  effectAnnounced(execution: ExecutionRef, effect: AnnouncedEffect): Promise<EffectRecord> {
    return writeEffect(this.#em, execution, effect);
  }

  /** Records that an effect has happened, with its result or with why that cannot be kept. The first record counts. */
  effectFinished(execution: ExecutionRef, key: string, done: EffectDone): Promise<void> {
    return finishEffect(this.#em, { execution, key }, done);
  }

  /** See {@link announceCall}: how often the model call has been announced, or why it is not to be made. */
  modelCallAnnounced(call: AnnouncedCall): Promise<number | 'overtaken' | 'unreserved'> {
    return announceCall(this.#em, call);
  }

  /** See {@link recordAnswer}: false where the model call has its answer already. */
  modelAnswered(answered: CallAnswered): Promise<boolean> {
    return recordAnswer(this.#em, this.#trace, answered);
  }

  /** See {@link recordFurtherAnswer}: whether the answer that counts is of this very claim. */
  modelAnsweredAgain(answered: CallAnswered): Promise<'known' | 'late'> {
    return recordFurtherAnswer(this.#em, answered);
  }

  /** Records that a model call has no answer. @returns how often that has happened; null where another claim has the call */
  modelCallFailed(step: ClaimedStep, failure: Failure): Promise<number | null> {
    return recordFailure(this.#em, step, failure);
  }

  /** Records when a model call that has no answer is made again. */
  modelCallPostponed(step: ClaimedStep, waitMs: number): Promise<void> {
    return recordPostponed(this.#em, step, waitMs);
  }

  /** Records that the worker that made a model call stops before its answer: that is no loss. */
  modelCallLeft(step: ClaimedStep): Promise<void> {
    return recordCallLeft(this.#em, step);
  }

  /** Records that nobody knows whether a model call was answered. @returns false where another claim has the call */
  modelCallDoubted(step: ClaimedStep): Promise<boolean> {
    return recordDoubt(this.#em, step);
  }

  /** See {@link recordToolBegun}: how often the tool call was begun and lost. */
  toolCallBegan(place: ToolCallPlace, begun: ToolBegun): Promise<number> {
    return recordToolBegun(this.#em, place, begun);
  }

  /** Records that the worker that carries out a tool call stops before its end: that is no loss. */
  toolCallLeft(place: ToolCallPlace): Promise<void> {
    return recordToolLeft(this.#em, place);
  }

  /** Records that a tool call waits for a person. */
  toolCallWaits(place: ToolCallPlace, wait: Parameters<typeof recordToolWaits>[2]): Promise<void> {
    return recordToolWaits(this.#em, place, wait);
  }

  /** Records how a tool call ended, with its event. The first end counts. */
  async toolCallEnded(place: ToolCallPlace, end: ToolEnd): Promise<void> {
    if (!(await recordToolEnd(this.#em, place, end))) return;
    const { execution, path: nodeId, step, index } = place;
    const data = { step, index, tool: end.tool, state: end.state };
    await this.eventHappened(execution.traceId, [{ type: 'tool.ended', nodeId, data }]);
  }
}
