/** Of one line of a stream: a provider's longest is that of a whole tool call. */
const MOST_LINE_BYTES = 6_000_000;
/** Of a whole answer as it is sent, with a record of two hundred bytes for each piece: a million of them, and more. */
export const MOST_BYTES = 256_000_000;
/** Of an answer that is an error: its first words are enough, and the rest is cut off. */
const MOST_ERROR_BYTES = 65_536;
const NEW_LINE = 10;

/** Why an answer was not read to its end. */
export type Cut = 'stalled' | 'too_large';

/** An answer that is no stream but a status. */
export interface Refusal {
  readonly status: number;
  /** The header of that name. */
  readonly retryAfter: string | null;
}

/** How a connection fails before anything of the request has left: the server is not there. */
const NOT_CONNECTED: ReadonlySet<unknown> = new Set([
  ...['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH', 'UND_ERR_CONNECT_TIMEOUT'],
]);

/** The fetch of one call. */
export interface GuardedFetch {
  readonly fetch: typeof fetch;
  /** Why it ended early; null where it did not. */
  cut(): Cut | null;
  /** What came instead of a stream, once its head is there; null where nothing did. */
  refusal(): Refusal | null;
  /** Whether the request may have reached somebody who works on it: not before a connection, nor after a refusal. */
  mayWork(): boolean;
}

/**
 * A fetch for one call. It follows no redirect, since a key is meant for one address, and ends when nothing has come for
 * `idleMs`, and when the answer or one of its lines is too large.
 */
export function guardedFetch(idleMs: number): GuardedFetch {
  const guard = new AbortController();
  let cut: Cut | null = null;
  let refusal: Refusal | null = null;
  let isSent = false;
  const stop = (why: Cut) => {
    cut ??= why;
    guard.abort();
  };
  const guarded: typeof fetch = async (input, init) => {
    // A connection that breaks leaves it running: it must not keep the process alive.
    const idle = setTimeout(() => stop('stalled'), idleMs).unref();
    isSent = true;
    try {
      const signals = [guard.signal, ...(init?.signal ? [init.signal] : [])];
      const response = await fetch(input, { ...init, redirect: 'manual', signal: AbortSignal.any(signals) });
      idle.refresh();
      if (!response.ok) refusal = { status: response.status, retryAfter: response.headers.get('retry-after') };
      if (response.body === null) clearTimeout(idle);
      const body = response.body?.pipeThrough(response.ok ? counted(idle, stop) : firstBytes(idle));
      return new Response(body ?? null, response);
    } catch (error) {
      clearTimeout(idle);
      isSent = !NOT_CONNECTED.has(causeOf(error));
      throw error;
    }
  };
  return { fetch: guarded, cut: () => cut, refusal: () => refusal, mayWork: () => isSent && refusal === null };
}

/** The code that Node gives to why a fetch failed. */
function causeOf(error: unknown): unknown {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause instanceof Error && 'code' in cause ? cause.code : undefined;
}

/** Passes on what comes, as long as it comes and is not too much. */
function counted(idle: NodeJS.Timeout, stop: (why: Cut) => void): TransformStream<Uint8Array, Uint8Array> {
  let all = 0;
  let line = 0;
  return new TransformStream({
    transform(chunk, controller) {
      idle.refresh();
      const lastBreak = chunk.lastIndexOf(NEW_LINE);
      all += chunk.length;
      line = lastBreak < 0 ? line + chunk.length : chunk.length - lastBreak;
      if (all > MOST_BYTES || line > MOST_LINE_BYTES) stop('too_large');
      else controller.enqueue(chunk);
    },
    flush: () => clearTimeout(idle),
    cancel: () => clearTimeout(idle),
  });
}

function firstBytes(idle: NodeJS.Timeout): TransformStream<Uint8Array, Uint8Array> {
  let left = MOST_ERROR_BYTES;
  return new TransformStream({
    transform(chunk, controller) {
      controller.enqueue(chunk.subarray(0, left));
      left -= chunk.length;
      if (left > 0) return;
      clearTimeout(idle);
      controller.terminate();
    },
    flush: () => clearTimeout(idle),
    cancel: () => clearTimeout(idle),
  });
}
