import { GroupCommit } from '../../database/group-commit.ts';
import type { TaskId } from '../../domain/ids.ts';
import type { WakeUps } from '../../redis/wake-ups.ts';
import type { Consequences } from './consequences.ts';

/** Ends in one look for what follows. */
const BATCH_SIZE = 500;

/**
 * Ends that this process has just written, and what they call for at once. Ends that come while a look is under way share
 * the next one. Nothing is lost with it: the outbox has a row for each end.
 */
export class EndedTasks {
  readonly #wakeUps: WakeUps;
  readonly #followed: GroupCommit<TaskId, void>;

  constructor({ wakeUps, consequences }: { readonly wakeUps: WakeUps; readonly consequences: Consequences }) {
    this.#wakeUps = wakeUps;
    this.#followed = new GroupCommit<TaskId, void>({
      max: BATCH_SIZE,
      write: async (ids) => {
        await consequences.of(ids);
        return ids.map(() => undefined);
      },
    });
  }

  add(taskId: TaskId): void {
    this.#wakeUps.publishTask(taskId).catch(() => undefined);
    this.#followed.add(taskId).catch(() => undefined);
  }

  /** When what was added has been looked at. */
  settled(): Promise<void> {
    return this.#followed.idle();
  }
}
