import { newId } from '../../database/new-id.ts';
import type { TaskId, TraceId } from '../../domain/ids.ts';
import { ForkRepository } from '../../entities/tasks/fork-repository.ts';
import type { RecordingUnit } from '../record/recording.ts';

/**
 * Lets redriven tasks that are forks take over again what they took over first: their next trace begins where their first one
 * did. In the transaction of the redrive; others are left alone.
 */
export async function continueForks({ em, recorder }: RecordingUnit, taskIds: readonly TaskId[]): Promise<void> {
  const repository = new ForkRepository(em);
  for (const { taskId, nextTraceId: before, atPath: path, atStep } of await repository.findAll(taskIds)) {
    const nextTraceId = newId<TraceId>();
    const eventCount = await recorder.runsTakenOver({
      from: { taskId, traceId: before },
      to: { taskId, traceId: nextTraceId },
      paths: await repository.takenPaths(before),
      half: atStep == null ? null : { path, step: atStep },
    });
    await repository.moveTo(taskId, { nextTraceId, eventCount });
  }
}
