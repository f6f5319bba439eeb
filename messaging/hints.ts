import type { AgentId, LeaseId } from '../domain/ids.ts';
import type { RedisConnections } from '../redis/open-redis.ts';

/**
 * Hints that there are messages or answers. They may be lost, late or in vain: a process that waits for one also polls, so
 * that nothing but time depends on them.
 */
export class MessageHints {
  readonly #redis: RedisConnections;
  constructor(redis: RedisConnections) {
    this.#redis = redis;
  }

  /** To agents that have been sent something. Never rejects, and nobody waits for Redis. */
  commands(ids: Iterable<AgentId>): void {
    for (const id of ids) this.#publish(this.#redis.keys.agentCommands(id));
  }

  responses(ids: Iterable<AgentId | LeaseId>): void {
    for (const id of ids) this.#publish(this.#redis.keys.agentResponses(id));
  }

  broadcast(): void {
    this.#publish(this.#redis.keys.agentBroadcast());
  }

  /** Calls back when one of these agents may have messages. @returns a function that stops it */
  onCommands(ids: readonly AgentId[], hint: () => void): () => void {
    const { keys, subscriber } = this.#redis;
    const channels = [keys.agentBroadcast(), ...ids.map((id) => keys.agentCommands(id))];
    const stops = channels.map((channel) => subscriber.listen(channel, hint));
    return () => {
      for (const stop of stops) stop();
    };
  }

  /** Calls back when this one may have been answered. @returns a function that stops it */
  onResponses(id: AgentId | LeaseId, hint: () => void): () => void {
    return this.#redis.subscriber.listen(this.#redis.keys.agentResponses(id), hint);
  }

  #publish(channel: string): void {
    this.#redis.ask((redis) => redis.publish(channel, '')).catch(() => undefined);
  }
}
