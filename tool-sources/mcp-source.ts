import { type CallToolResult, type Client, ProtocolError, SdkHttpError, type Tool } from '@modelcontextprotocol/client';
import { errorMessage } from '../domain/errors.ts';
import { growingWaitMs } from '../domain/waits.ts';
import { connectSource } from './connect-source.ts';
import { ToolSourceLost, ToolSourceUnavailable } from './source-errors.ts';
import type { SourceSettings } from './source-settings.ts';

/** How long a source is left alone after it could not be reached. */
const LEFT_ALONE = { firstMs: 1_000, mostMs: 60_000 };
const LIST_MS = 10_000;
const SPARE_MS = 1_000;
/** Statuses of an address by which a call was refused before it was carried out: a session that is over, most of all. */
const REFUSED_STATUSES: readonly unknown[] = [400, 404];

export interface ToolCallSetting {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/**
 * One MCP server, connected when it is first used and again whenever it was lost. While it cannot be reached, calls fail at
 * once, and after a while the next one tries again.
 */
export class McpSource {
  readonly name: string;
  readonly #settings: SourceSettings;
  readonly #closing = new AbortController();
  #connection: Promise<Client> | null = null;
  #failures = 0;
  #lastFailure = { at: Number.NEGATIVE_INFINITY, why: '' };

  constructor(name: string, settings: SourceSettings) {
    this.name = name;
    this.#settings = settings;
  }

  /** Its tools, from memory for as long as the server said that its list is good, or five minutes. @throws ToolSourceUnavailable */
  async tools(): Promise<readonly Tool[]> {
    const { tools } = await this.#use((client) => client.listTools(undefined, { timeout: LIST_MS }));
    return tools;
  }

  /** The revision of the protocol that was agreed on; null while it is not connected. */
  async protocol(): Promise<string | null> {
    const client = await this.#connection?.catch(() => null);
    return client?.getNegotiatedProtocolVersion() ?? null;
  }

  /**
   * Calls a tool. One that was certainly not carried out, since the server knows the connection no more, is made again.
   * @throws ToolSourceUnavailable, ToolSourceLost, what the server refuses
   */
  call(tool: string, given: Record<string, unknown>, { timeoutMs, signal }: ToolCallSetting): Promise<CallToolResult> {
    // The caller ends the call at its time, and says so; this only ends what the caller has forgotten.
    const limits = { signal, timeout: timeoutMs + SPARE_MS };
    return this.#use(async (client) => {
      try {
        return await client.callTool({ name: tool, arguments: given }, limits);
      } catch (error) {
        // A server that does not answer in time may never answer again.
        if (signal.aborted) void this.#probe(client);
        throw error;
      }
    });
  }

  /** Ends a connection, and one that is being made. */
  async close(): Promise<void> {
    this.#closing.abort();
    const client = await this.#connection?.catch(() => null);
    this.#connection = null;
    await client?.close();
  }

  async #use<Result>(work: (client: Client) => Promise<Result>, isRepeated = false): Promise<Result> {
    const client = await this.#connected();
    try {
      return await work(client);
    } catch (error) {
      if (!isLoss(error)) throw error;
      await this.#drop(client, error);
      if (!isUnsent(error)) throw new ToolSourceLost(this.name);
      if (isRepeated) throw new ToolSourceUnavailable(this.name, errorMessage(error));
      return this.#use(work, true);
    }
  }

  async #connected(): Promise<Client> {
    const waitMs = this.#failures === 0 ? 0 : growingWaitMs(LEFT_ALONE, this.#failures);
    const { at, why } = this.#lastFailure;
    if (performance.now() < at + waitMs) throw new ToolSourceUnavailable(this.name, why);
    this.#connection ??= this.#connect();
    return this.#connection;
  }

  async #connect(): Promise<Client> {
    try {
      const closed = () => {
        this.#connection = null;
      };
      const client = await connectSource(this.#settings, { closed, signal: this.#closing.signal });
      this.#failures = 0;
      return client;
    } catch (error) {
      this.#connection = null;
      this.#failures += 1;
      this.#lastFailure = { at: performance.now(), why: errorMessage(error) };
      throw new ToolSourceUnavailable(this.name, this.#lastFailure.why);
    }
  }

  async #probe(client: Client): Promise<void> {
    try {
      await client.listTools(undefined, { cacheMode: 'refresh', timeout: LIST_MS });
    } catch (error) {
      if (!(error instanceof ProtocolError)) await this.#drop(client, error);
    }
  }

  async #drop(client: Client, error: unknown): Promise<void> {
    this.#lastFailure = { ...this.#lastFailure, why: errorMessage(error) };
    if ((await this.#connection?.catch(() => null)) === client) this.#connection = null;
    await client.close().catch(() => undefined);
  }
}

/** Whether the connection failed, and not only the request. */
function isLoss(error: unknown): boolean {
  return !(error instanceof ProtocolError) && !isTimeout(error) && !isAbort(error);
}

function isTimeout(error: unknown): boolean {
  return codeOf(error) === 'REQUEST_TIMEOUT';
}

function isAbort(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** Whether a request has certainly not been carried out. */
function isUnsent(error: unknown): boolean {
  if (error instanceof SdkHttpError) return REFUSED_STATUSES.includes(error.data?.status);
  return codeOf(error) === 'NOT_CONNECTED' || errorMessage(error) === 'Not connected' || isRefusedConnection(error);
}

function isRefusedConnection(error: unknown): boolean {
  return error instanceof Error && codeOf(error.cause) === 'ECONNREFUSED';
}

function codeOf(error: unknown): unknown {
  return typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
}
