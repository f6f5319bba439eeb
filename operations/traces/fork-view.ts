import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { TaskId, TraceId } from '../../domain/ids.ts';
import { ForkRepository } from '../../entities/tasks/fork-repository.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';

/** Of which task and trace a fork takes runs over, and where it begins. */
export interface ForkOriginView {
  readonly taskId: TaskId;
  readonly traceId: TraceId;
  /** The number of the trace. */
  readonly trace: number;
  /** `PATH`, or `PATH#STEP`. */
  readonly at: string;
}

/** A fork of the task. */
export interface ForkView extends Omit<ForkOriginView, 'traceId'> {
  readonly createdAt: Date;
}

/** What is known of a task as a fork, and of its forks. */
interface ForksView {
  readonly origin: ForkOriginView | null;
  readonly forks: readonly ForkView[];
}

const MOST_FORKS = 100;

/** From where a task continues, and what continues it. */
export async function forksView(em: SqlEntityManager, task: TaskRecord): Promise<ForksView> {
  const repository = new ForkRepository(em);
  const [own] = await repository.findAll([task.id]);
  const forks = await repository.forksOf(task, MOST_FORKS);
  const atOf = ({ atPath, atStep }: ForkRow) => (atStep == null ? atPath : `${atPath}#${atStep}`);
  return {
    origin: own
      ? { taskId: own.originTaskId, traceId: own.originTraceId, trace: own.originNumber, at: atOf(own) }
      : null,
    forks: forks.map((fork) => {
      return { taskId: fork.taskId, trace: fork.originNumber, at: atOf(fork), createdAt: fork.createdAt };
    }),
  };
}

/** What a fork began with, by its own rows: the task that it was made of may be gone. */
export async function takenOverBy(em: SqlEntityManager, taskId: TaskId) {
  const repository = new ForkRepository(em);
  const [own] = await repository.findAll([taskId]);
  if (own === undefined) throw new Error(`The task ${taskId} was removed at this very moment. Try it again.`);
  const { originTaskId, originTraceId: traceId, originNumber: trace } = own;
  return { origin: { taskId: originTaskId, traceId, trace }, takenOver: await repository.takenPaths(own) };
}

type ForkRow = Awaited<ReturnType<ForkRepository['findAll']>>[number];
