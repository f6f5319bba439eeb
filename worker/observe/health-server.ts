import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorMessage, MusterError } from '../../domain/errors.ts';
import type { Json } from '../../domain/json.ts';

/** An import would load everything that `node:http` exports, above all undici, which nothing here uses. */
const { createServer } = process.getBuiltinModule('node:http');

/** An answer about health: good, or with the reasons for a failure. */
export interface HealthAnswer {
  readonly ok: boolean;
  readonly body: Json;
}

export interface HealthServerOptions {
  /** 0 takes a free one. */
  readonly port: number;
  readonly live: () => HealthAnswer;
  readonly ready: () => Promise<HealthAnswer>;
  readonly metrics: () => Promise<{ readonly body: string; readonly mediaType: string }>;
}

/** The port of the health server is taken, or may not be used. */
export class HealthPortUnusable extends MusterError {
  readonly code = 'config_invalid';
  constructor(port: number, cause: unknown) {
    super(
      `MUSTER_HEALTH_PORT ${port} cannot be used: ${errorMessage(cause)}. Set another one, 0 for any free one, or off.`,
      { port },
      { cause },
    );
  }
}

/** How long a client may take to send its request and to read the response. */
const CLIENT_TIMEOUT_MS = 5_000;
/** Further connections are refused: monitors are few. */
const MAX_CONNECTIONS = 50;
const LOOPBACK = '127.0.0.1';

interface Reply {
  readonly status: number;
  readonly mediaType: string;
  readonly body: string;
}

/**
 * Answers on loopback whether this process lives (`/health/live`), whether it can work (`/health/ready`), and with its
 * figures (`/metrics`). 200 is good, 503 is not; each answer is computed when it is asked for.
 */
export class HealthServer {
  readonly #options: HealthServerOptions;
  readonly #server: Server;

  private constructor(options: HealthServerOptions) {
    this.#options = options;
    this.#server = createServer(
      { requestTimeout: CLIENT_TIMEOUT_MS, headersTimeout: CLIENT_TIMEOUT_MS, connectionsCheckingInterval: 1_000 },
      (request, response) => void this.#answer(request, response),
    );
    this.#server.maxConnections = MAX_CONNECTIONS;
    this.#server.setTimeout(2 * CLIENT_TIMEOUT_MS);
    this.#server.on('clientError', (_error, socket) => socket.destroy());
  }

  /** Listens. @throws HealthPortUnusable */
  static async open(options: HealthServerOptions): Promise<HealthServer> {
    const health = new HealthServer(options);
    await new Promise<void>((resolve, reject) => {
      health.#server.once('error', (error) => reject(new HealthPortUnusable(options.port, error)));
      health.#server.listen(options.port, LOOPBACK, resolve);
    });
    // A monitor does not keep the process alive.
    health.#server.unref();
    return health;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo | null)?.port ?? 0;
  }

  /** Accepts no more requests and closes the open connections. */
  async close(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const reply = await this.#reply(request).catch((error: unknown) =>
      json(500, { status: 'error', error: errorMessage(error) }),
    );
    const head = { 'content-type': reply.mediaType, 'content-length': Buffer.byteLength(reply.body) };
    response.writeHead(reply.status, { ...head, 'cache-control': 'no-store', connection: 'close' });
    response.end(request.method === 'HEAD' ? undefined : reply.body);
    request.resume();
  }

  async #reply(request: IncomingMessage): Promise<Reply> {
    const [path] = (request.url ?? '').split('?');
    const route = path === undefined ? undefined : this.#routes[path];
    if (route === undefined) return json(404, { error: `Ask for ${Object.keys(this.#routes).join(', ')}.` });
    if (request.method !== 'GET' && request.method !== 'HEAD') return json(405, { error: 'Ask with GET or HEAD.' });
    return route();
  }

  readonly #routes: Readonly<Record<string, () => Promise<Reply>>> = Object.assign(Object.create(null), {
    '/health/live': async () => healthReply(this.#options.live()),
    '/health/ready': async () => healthReply(await this.#options.ready()),
    '/metrics': async () => ({ status: 200, ...(await this.#options.metrics()) }),
  });
}

function healthReply({ ok, body }: HealthAnswer): Reply {
  return json(ok ? 200 : 503, body);
}

function json(status: number, body: Json): Reply {
  return { status, mediaType: 'application/json; charset=utf-8', body: `${JSON.stringify(body)}\n` };
}
