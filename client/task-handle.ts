import type { TaskId } from '../domain/ids.ts';
import type { Json } from '../domain/json.ts';
import { HintedPause } from '../domain/system/loop.ts';
import { taskWorkflowId } from '../domain/tasks/execution.ts';
import { isTerminalTaskStatus } from '../domain/tasks/task-status.ts';
import type { TaskRecord } from '../entities/tasks/task-record.ts';
import type { CallOptions } from '../operations/call.ts';
import { TaskCancelled, TaskFailed, TracePruned } from '../operations/operation-errors.ts';
import { cancelTask, killTask } from '../operations/tasks/cancel.ts';
import { pauseTask, resumeTask } from '../operations/tasks/pause.ts';
import { readTask, showTask, taskProgress } from '../operations/tasks/read.ts';
import type { TaskView } from '../operations/tasks/task-view.ts';
import { type WhyView, whyTask } from '../operations/tasks/why.ts';
import { forkTask } from '../operations/traces/fork.ts';
import type { ForkOptions, ForkReport } from '../operations/traces/fork-words.ts';
import { type AnsweredView, type AnswerTask, answerTask } from '../operations/waits/answer.ts';
import { type SentToTask, sendToTask } from '../operations/waits/send.ts';
import type { WakeUps } from '../redis/wake-ups.ts';
import type { TaskProgress } from '../workflows/tasks/task-messages.ts';
import { type Face, withArguments } from './face.ts';
import { type EventOptions, eventOptions, POLL_MS, type TaskEvent, TaskEvents } from './task-events.ts';
import type { TextEvent } from './task-texts.ts';

export type { TaskView } from '../operations/tasks/task-view.ts';
export type { WhyView } from '../operations/tasks/why.ts';
export type { AnsweredView, AnswerTask } from '../operations/waits/answer.ts';
export type { SentToTask } from '../operations/waits/send.ts';
export type { EventOptions, TaskEvent } from './task-events.ts';
export type { TextEvent } from './task-texts.ts';

/** What a completed task returned. */
export interface TaskResult {
  readonly output: Json;
  /** The trace that produced it, with its runs and events; null once retention has removed it. */
  readonly trace: TaskView['traces'][number] | null;
}

/** A task, from the outside. Every method may be called at any time and from any process. */
export interface TaskHandle {
  readonly id: TaskId;
  /** The Temporal workflow of the task's first trace. */
  readonly workflowId: string;
  /** The task's row. @throws TaskUnknown */
  read(): Promise<TaskRecord>;
  /** Task, traces, runs, events and output, in one consistent reading. @throws TaskUnknown */
  show(): Promise<TaskView>;
  /** What it waits for, and until when where that can be known; no causes once it has ended. @throws TaskUnknown */
  why(): Promise<WhyView>;
  /** What the workflow itself reports of a running task. @throws TaskNotOpen, TemporalUnreachable */
  progress(): Promise<TaskProgress>;
  /**
   * The events of the newest trace in order, without a gap, from after `after` (default 0) until the task has ended. With
   * `text`, what models say is told between them while they say it, each answer whole and once, wherever reading was
   * interrupted: see {@link TextEvent}. It needs Redis for its speed only.
   * @throws TracePruned where retention has removed some of those
   */
  events(options?: EventOptions & { text?: false }): AsyncIterable<TaskEvent>;
  events(options: EventOptions): AsyncIterable<TaskEvent | TextEvent>;
  /** Waits for the end. @throws TaskFailed, TaskCancelled, TaskUnknown, TracePruned once the output is gone */
  result(): Promise<TaskResult>;
  /**
   * Asks for the end. A waiting task ends at once; a running one ends when its nodes have stopped, or after 30 seconds
   * without its workflow, so that a cancel needs PostgreSQL only. Once this has returned, the task can only end as
   * cancelled, and a series ends with it. @throws TaskNotOpen for a task that has ended: the cancel came too late
   */
  cancel(reason?: string): Promise<void>;
  /**
   * Ends the task at once, in whatever state it or its workflow is, with PostgreSQL alone: the work of its nodes is
   * discarded, and its workflow is terminated as soon as Temporal is available. The task is `cancelled`, with the code
   * `task_killed`. @throws TaskNotOpen for a task that has ended
   */
  kill(reason?: string): Promise<void>;
  /** Starts nothing more until `resume`; running nodes finish. Repeating it changes nothing. @throws TaskNotOpen */
  pause(): Promise<void>;
  /** Undoes `pause`. @throws TaskNotOpen */
  resume(): Promise<void>;
  /**
   * Sends it a message, for a node that waits for one of this name. It is kept until one does, so that it may come early; each
   * is taken by one wait, in the order in which they were sent. Under a `key`, a repetition sends nothing. @throws TaskNotOpen
   */
  send(name: string, data?: Json, how?: Pick<CallOptions, 'key'>): Promise<SentToTask>;
  /**
   * Answers what one of its nodes asks for: some of it or all; `path` says which node where several ask. All values count, or
   * none. @throws NothingAsked, AnswerInvalid
   */
  answer(
    values: AnswerTask['values'],
    how?: { readonly path?: string } & Pick<CallOptions, 'key'>,
  ): Promise<AnsweredView>;
  /**
   * Makes a new task of one of its traces: it takes over what ran before a point, and runs what follows, on its own. This one
   * may still run; what of it has ended is taken over. A fork that may spend, or makes recorded effects again, is refused
   * until that is agreed to: `dryRun` says for which price, and what `consent` agrees to it.
   * @param at the first run that runs again, by its path: `draft`, `each[3]/draft`; `answer#2` for a step of a thinking run
   * @example
   * const { consent } = await task.fork('answer', { dryRun: true });
   * const { task: fork } = await task.fork('answer', { consent: consent ?? '', key: 'again' });
   * @throws ForkPointUnknown, ConsentRequired, InputInvalid, IdempotencyConflict, TaskUnknown, OptionInvalid
   */
  fork(at: string, options?: ForkOptions): Promise<Fork>;
}

/** What was forked, with the new task; in a dry run what would be, without one. */
export interface Fork extends ForkReport {
  readonly task: TaskHandle | null;
}

export class TaskReader {
  readonly #face: Face;
  readonly #wakeUps: WakeUps;

  constructor(face: Face, wakeUps: WakeUps) {
    this.#face = face;
    this.#wakeUps = wakeUps;
  }

  handle(id: TaskId): TaskHandle {
    const face = this.#face;
    return {
      id,
      workflowId: taskWorkflowId(id, 1),
      read: () => this.#read(id),
      show: () => face.call(showTask, { id }),
      why: () => face.call(whyTask, { id }),
      progress: () => face.call(taskProgress, { id }),
      // Without `text` there are events of the trace alone.
      events: ((options = {}) =>
        new TaskEvents(face, id, eventOptions(options)).follow(this.#wakeUps)) as TaskHandle['events'],
      result: () => this.#result(id),
      cancel: async (reason) => void (await face.call(cancelTask, { id, reason })),
      kill: (reason) => face.call(killTask, { id, reason }),
      pause: () => face.call(pauseTask, { id }),
      resume: () => face.call(resumeTask, { id }),
      send: (name, data = null, how = {}) => face.call(sendToTask, { id, name, data }, how),
      answer: (values, { path, ...how } = {}) => face.call(answerTask, { id, path, values }, how),
      fork: async (at, options = {}) => {
        const report = await face.call(forkTask, withArguments('fork', options, { id, at }));
        return { ...report, task: report.taskId && this.handle(report.taskId) };
      },
    };
  }

  #read(id: TaskId): Promise<TaskRecord> {
    return this.#face.call(readTask, { id });
  }

  async #result(id: TaskId): Promise<TaskResult> {
    const task = await this.#untilEnded(id);
    if (task.status === 'cancelled') throw new TaskCancelled(id, task.error);
    if (task.status === 'failed') throw new TaskFailed(id, task.error);
    const view = await this.#face.call(showTask, { id });
    if (view.pruned.output) throw new TracePruned(task, 'output');
    return { output: view.output, trace: view.traces.at(-1) ?? null };
  }

  async #untilEnded(id: TaskId): Promise<TaskRecord> {
    const listener = this.#listen(id);
    try {
      for (;;) {
        const task = await this.#read(id);
        if (isTerminalTaskStatus(task.status)) return task;
        await listener.wait();
      }
    } finally {
      listener.close();
    }
  }

  /** Wakes when the task may have news, and at the latest after the poll time. */
  #listen(id: TaskId): { wait(): Promise<void>; close(): void } {
    const pause = new HintedPause();
    const close = this.#wakeUps.onTask(id, () => pause.hint());
    return { wait: () => pause.wait(POLL_MS), close };
  }
}
