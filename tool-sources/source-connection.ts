import { type Client, SdkHttpError } from '@modelcontextprotocol/client';

/** The server does not know the session. Some servers say so with 400, with which others refuse a bad request. */
const SESSION_UNKNOWN = 404;
const SESSION_MAYBE_UNKNOWN = 400;
/** Codes of errors by which no byte of a request has reached its server. */
const UNREACHED: readonly unknown[] = ['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'UND_ERR_CONNECT_TIMEOUT'];

/** A connection that requests share. One that is left is closed when the last of them has ended, so it takes none along. */
export class SourceConnection {
  readonly client: Client;
  /** Only servers of the older era have sessions, and only over HTTP. */
  readonly #hasSession: boolean;
  #requests = 0;
  #isLeft = false;

  constructor(client: Client) {
    this.client = client;
    this.#hasSession = client.transport?.sessionId !== undefined;
  }

  async use<Result>(work: (client: Client) => Promise<Result>): Promise<Result> {
    this.#requests += 1;
    try {
      return await work(this.client);
    } finally {
      this.#requests -= 1;
      this.#closeIfUnused();
    }
  }

  leave(): void {
    this.#isLeft = true;
    this.#closeIfUnused();
  }

  /** Whether a request that failed like this has certainly not been carried out. */
  isUnsent(error: unknown): boolean {
    const cause = error instanceof Error ? error.cause : undefined;
    return (this.#hasSession && statusOf(error) === SESSION_UNKNOWN) || UNREACHED.includes(codeOf(cause));
  }

  /** Whether the next request needs another connection. */
  isOver(error: unknown): boolean {
    return this.isUnsent(error) || (this.#hasSession && statusOf(error) === SESSION_MAYBE_UNKNOWN);
  }

  #closeIfUnused(): void {
    if (this.#isLeft && this.#requests === 0) this.client.close().catch(() => undefined);
  }
}

/** The code of what a library has thrown. */
export function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}

function statusOf(error: unknown): number | undefined {
  return error instanceof SdkHttpError ? error.data?.status : undefined;
}
