import { newId } from '../../database/new-id.ts';
import type { TaskId, TraceId } from '../../domain/ids.ts';
import { ForkRepository } from '../../entities/tasks/fork-repository.ts';
import type { RecordingUnit } from '../record/recording.ts';

/**
 * Lets redriven tasks that are forks take over again what they took over first: their next trace begins where their first one
 * did. In the transaction of the redrive; others are left alone, and so are forks that never began: what they took over still
 * waits for them.
 */
export async function continueForks({ em, recorder }: RecordingUnit, taskIds: readonly TaskId[]): Promise<void> {
  const repository = new ForkRepository(em);
  for (const fork of await repository.begun(taskIds)) {
    const { taskId, nextTraceId: before, atPath: path, atStep } = fork;
    const nextTraceId = newId<TraceId>();
    const eventCount = await recorder.runsTakenOver({
      from: { taskId, traceId: before },
      to: { taskId, traceId: nextTraceId },
      paths: await repository.takenPaths(fork),
      half: atStep == null ? null : { path, step: atStep },
    });
    await repository.moveTo(taskId, { nextTraceId, eventCount });
  }
}
