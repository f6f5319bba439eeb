import type { TaskId } from '../domain/ids.ts';
import type { WakeUps } from '../redis/wake-ups.ts';
import type { Consequences } from './consequences.ts';

/** Ends in one look for what follows. */
const BATCH_SIZE = 500;

/**
 * Ends that this process has just written, and what they call for at once. Ends that come while a look is under way share
 * the next one. Nothing is lost with it: the outbox has a row for each end.
 */
export class EndedTasks {
  readonly #options: { readonly wakeUps: WakeUps; readonly consequences: Consequences };
  readonly #waiting: TaskId[] = [];
  #working: Promise<void> | null = null;

  constructor(options: { readonly wakeUps: WakeUps; readonly consequences: Consequences }) {
    this.#options = options;
  }

  add(taskId: TaskId): void {
    this.#options.wakeUps.publishTask(taskId).catch(() => undefined);
    this.#waiting.push(taskId);
    this.#working ??= this.#work().finally(() => {
      this.#working = null;
    });
  }

  /** When what was added has been looked at. */
  async settled(): Promise<void> {
    await this.#working;
  }

  async #work(): Promise<void> {
    while (this.#waiting.length > 0) {
      const batch = this.#waiting.splice(0, BATCH_SIZE);
      await this.#options.consequences.of(batch).catch(() => undefined);
    }
  }
}
