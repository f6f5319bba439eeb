import type { TaskId } from '../domain/ids.ts';
import type { RedisConnections } from './open-redis.ts';
import type { Hint } from './subscriber.ts';

/**
 * Hints between processes that there may be something to do or to read.
 *
 * A wake-up only reduces latency: it may be lost, late or pointless, and correctness never depends on it. A listener
 * also polls (every second while busy), and a hint makes the next poll happen at once.
 */
export class WakeUps {
  readonly #redis: RedisConnections;
  readonly #jobChannel: string;

  /** @param taskQueue the Temporal task queue whose workers take the jobs */
  constructor(redis: RedisConnections, { taskQueue }: { taskQueue: string }) {
    this.#redis = redis;
    this.#jobChannel = redis.keys.queue(taskQueue).wakeUps;
  }

  /**
   * Calls back when jobs may wait, and once after each subscription.
   * @returns a function that stops it
   */
  onJob(callback: Hint): () => void {
    return this.#redis.subscriber.listen(this.#jobChannel, callback);
  }

  /** Hints that a task has new events. */
  async publishTask(taskId: TaskId): Promise<void> {
    await this.#redis.ask((redis) => redis.publish(this.#redis.keys.taskEvents(taskId), ''));
  }

  /**
   * Calls back when a task may have new events, and once after each subscription: the read that follows it finds an
   * event between the caller's first read and the subscription.
   * @returns a function that stops it
   */
  onTask(taskId: TaskId, callback: Hint): () => void {
    return this.#redis.subscriber.listen(this.#redis.keys.taskEvents(taskId), callback);
  }

  /** Calls back when a model of a task has said something. @returns a function that stops it */
  onText(taskId: TaskId, callback: Hint): () => void {
    return this.#redis.subscriber.listen(this.#redis.keys.taskTexts(taskId), callback);
  }
}
