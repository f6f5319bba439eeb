import type { Redis } from 'ioredis';

/** Called for each hint. It must not throw. */
export type Hint = () => void;

/**
 * The subscribing connection of a process. It connects at the first {@link Subscriber.listen}.
 *
 * The channels are kept here and not in the connection: whenever a connection becomes ready, all channels are
 * subscribed again, and a failed subscription replaces the connection. A ping notices a silent connection, because a
 * subscriber never writes and so never learns from TCP that the server is gone.
 */
export class Subscriber {
  readonly #redis: Redis;
  readonly #heartbeatMs: number;
  readonly #hints = new Map<string, Set<Hint>>();
  #heartbeat: NodeJS.Timeout | null = null;
  #closed = false;

  /** @param redis not connected yet; its command timeout limits the answer to a ping */
  constructor(redis: Redis, heartbeatMs: number) {
    this.#redis = redis;
    this.#heartbeatMs = heartbeatMs;
    redis.on('ready', () => void this.#subscribe([...this.#hints.keys()]));
    redis.on('message', (channel: string) => this.#call(channel));
  }

  /**
   * Calls the hint for each message on the channel, and once after each subscription, because messages may have been
   * missed before it. Delivery is at most once, so a listener also polls.
   *
   * @returns a function that stops it; repeatable
   */
  listen(channel: string, hint: Hint): () => void {
    const hints = this.#hints.get(channel) ?? new Set();
    this.#hints.set(channel, hints.add(hint));
    this.#start();
    if (this.#redis.status === 'ready') void this.#subscribe([channel]);
    return () => this.#stop(channel, hint);
  }

  /** Ends all subscriptions and the connection. */
  close(): void {
    this.#closed = true;
    this.#hints.clear();
    if (this.#heartbeat) clearInterval(this.#heartbeat);
    this.#redis.disconnect();
  }

  #start(): void {
    if (this.#heartbeat || this.#closed) return;
    this.#heartbeat = setInterval(() => void this.#beat(), this.#heartbeatMs).unref();
    this.#redis.connect().catch(() => undefined);
  }

  #stop(channel: string, hint: Hint): void {
    const hints = this.#hints.get(channel);
    if (!hints?.delete(hint) || hints.size > 0) return;
    this.#hints.delete(channel);
    if (this.#redis.status === 'ready') void this.#orReconnect(() => this.#redis.unsubscribe(channel));
  }

  async #subscribe(channels: string[]): Promise<void> {
    if (channels.length === 0) return;
    const subscribed = await this.#orReconnect(() => this.#redis.subscribe(...channels));
    if (subscribed) for (const channel of channels) this.#call(channel);
  }

  async #beat(): Promise<void> {
    if (this.#redis.status === 'ready') await this.#orReconnect(() => this.#redis.ping());
  }

  /** A command that fails on a connection that seems ready shows that it is not; the connection is replaced. */
  async #orReconnect(command: () => Promise<unknown>): Promise<boolean> {
    try {
      await command();
      return true;
    } catch {
      if (this.#redis.status === 'ready' && !this.#closed) this.#redis.disconnect(true);
      return false;
    }
  }

  #call(channel: string): void {
    for (const hint of this.#hints.get(channel) ?? []) hint();
  }
}
