import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * How the proxy treats bytes and connections. `pass`: hands everything on. `refuse`: ends each new connection at once.
 * `blackHole`: keeps connections open and drops every byte, as a half-open peer does; connections that lost any are cut
 * when it ends, since TCP delivers no stream with a gap. `reset`: new and open connections end with a reset. A delay
 * holds each chunk back by `delayMs` plus up to `jitterMs`, keeping the order.
 */
export type ProxyMode = 'pass' | 'refuse' | 'blackHole' | 'reset' | { delayMs: number; jitterMs: number };

export interface TcpProxy {
  readonly port: number;
  /** Open client connections now. */
  readonly connections: number;
  /** Client connections since the start. */
  readonly accepted: number;
  /** Bytes dropped by the black hole since the start, by which a test knows that its fault took place. */
  readonly dropped: number;
  /** Changes how bytes are treated from now on, on open connections too. */
  set(mode: ProxyMode): void;
  /** Lets `count` more bytes through, both ways together, and then cuts every connection once. */
  cutAfterBytes(count: number): void;
  /** Cuts every open connection; new ones are treated by the mode. */
  closeAll(): void;
  /** Cuts everything and stops listening. */
  close(): Promise<void>;
}

export interface TcpProxyOptions {
  targetPort: number;
  /** @defaultValue 'pass' */
  mode?: ProxyMode;
  /** Source of jitter, from 0 up to 1. @defaultValue Math.random */
  random?: () => number;
}

/** The same address by way of a proxy: another port, and the login as it was. */
export function through(proxy: { port: number }, url: string): string {
  const address = new URL(url);
  address.port = String(proxy.port);
  return address.toString();
}

/** Starts a proxy on a free loopback port, in front of a server on loopback. */
export async function startProxy(options: TcpProxyOptions): Promise<TcpProxy> {
  const proxy = new LoopbackProxy(options);
  await proxy.listen();
  return proxy;
}

interface Pair {
  client: Socket;
  target: Socket;
  /** Whether a black hole took bytes of it. */
  hasGap: boolean;
}

class LoopbackProxy implements TcpProxy {
  accepted = 0;
  dropped = 0;
  readonly #server: Server;
  readonly #pairs = new Set<Pair>();
  readonly #targetPort: number;
  readonly #random: () => number;
  #mode: ProxyMode;
  #bytesUntilCut = Number.POSITIVE_INFINITY;

  constructor(options: TcpProxyOptions) {
    this.#targetPort = options.targetPort;
    this.#mode = options.mode ?? 'pass';
    this.#random = options.random ?? Math.random;
    this.#server = createServer((client) => this.#accept(client));
  }

  listen(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen({ port: 0, host: '127.0.0.1' }, () => resolve());
    });
  }

  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  get connections(): number {
    return this.#pairs.size;
  }

  set(mode: ProxyMode): void {
    this.#mode = mode;
    if (mode !== 'blackHole') for (const pair of this.#pairs) if (pair.hasGap) reset(pair);
    if (mode === 'reset') for (const pair of this.#pairs) reset(pair);
  }

  cutAfterBytes(count: number): void {
    this.#bytesUntilCut = count;
  }

  closeAll(): void {
    for (const { client, target } of this.#pairs) {
      client.destroy();
      target.destroy();
    }
  }

  close(): Promise<void> {
    this.closeAll();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #accept(client: Socket): void {
    this.accepted += 1;
    client.on('error', () => undefined);
    if (this.#mode === 'refuse') return void client.destroy();
    if (this.#mode === 'reset') return void client.resetAndDestroy();
    const target = connect({ port: this.#targetPort, host: '127.0.0.1' });
    const pair = { client, target, hasGap: false };
    this.#pairs.add(pair);
    this.#handOn(client, target, pair);
    this.#handOn(target, client, pair);
    for (const socket of [client, target]) {
      socket.on('error', () => undefined);
      socket.on('close', () => this.#forget(pair));
    }
  }

  #forget(pair: Pair): void {
    this.#pairs.delete(pair);
    pair.client.destroy();
    pair.target.destroy();
  }

  /** Chunks of one direction leave in the order of their arrival, whatever each one's delay is. */
  #handOn(from: Socket, to: Socket, pair: Pair): void {
    let previous = Promise.resolve();
    from.on('data', (chunk: Buffer) => {
      const mode = this.#mode;
      if (mode === 'blackHole') {
        this.dropped += chunk.length;
        pair.hasGap = true;
        return;
      }
      if (typeof mode === 'string') {
        previous = previous.then(() => this.#write(to, chunk));
        return;
      }
      const due = Date.now() + mode.delayMs + mode.jitterMs * this.#random();
      previous = previous.then(() => waitUntil(due)).then(() => this.#write(to, chunk));
    });
    from.on('end', () => void previous.then(() => to.end()));
  }

  #write(to: Socket, chunk: Buffer): void {
    const allowed = chunk.subarray(0, Math.min(chunk.length, this.#bytesUntilCut));
    this.#bytesUntilCut -= allowed.length;
    const cut = this.#bytesUntilCut <= 0;
    if (cut) this.#bytesUntilCut = Number.POSITIVE_INFINITY;
    if (to.writable) to.write(allowed, () => cut && this.closeAll());
    else if (cut) this.closeAll();
  }
}

function reset({ client, target }: Pair): void {
  client.resetAndDestroy();
  target.destroy();
}

function waitUntil(due: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, Math.max(0, due - Date.now())));
}
