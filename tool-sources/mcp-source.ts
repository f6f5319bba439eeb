import { type CallToolResult, type Client, ProtocolError, type Tool } from '@modelcontextprotocol/client';
import { errorMessage } from '../domain/errors.ts';
import { growingWaitMs } from '../domain/waits.ts';
import { connectSource } from './connect-source.ts';
import { codeOf, SourceConnection } from './source-connection.ts';
import { ToolSourceLost, ToolSourceUnavailable } from './source-errors.ts';
import type { SourceSettings } from './source-settings.ts';

/** How long a source is left alone after it could not be reached, or did not give its list. */
const LEFT_ALONE = { firstMs: 1_000, mostMs: 60_000 };
/** For all pages of a list together. */
const LIST_MS = 10_000;
const SPARE_MS = 1_000;

export interface ToolCallSetting {
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

/** What is asked of a server. */
interface Request<Result> {
  readonly make: (client: Client) => Promise<Result>;
  /** What a failure is for the caller, where the request may have been carried out. */
  readonly failed: (error: unknown, connection: SourceConnection) => unknown;
}

/**
 * One MCP server, connected when it is first used and again whenever it was lost. While it cannot be reached, calls fail at
 * once, and after a while the next one tries again.
 */
export class McpSource {
  readonly name: string;
  readonly #settings: SourceSettings;
  readonly #closing = new AbortController();
  /** Those that are left but still used included. */
  readonly #open = new Set<SourceConnection>();
  #current: SourceConnection | null = null;
  #connecting: Promise<SourceConnection> | null = null;
  #failures = 0;
  #lastFailure = { at: Number.NEGATIVE_INFINITY, why: '' };

  constructor(name: string, settings: SourceSettings) {
    this.name = name;
    this.#settings = settings;
  }

  /** Its tools, from memory for as long as the server said that its list is good, or five minutes. @throws ToolSourceUnavailable */
  async tools(): Promise<readonly Tool[]> {
    const { tools } = await this.#ask({
      make: (client) => client.listTools(undefined, listLimits()),
      failed: (error, connection) => {
        this.#leave(connection);
        return this.#failed(error);
      },
    });
    return tools;
  }

  /** The revision of the protocol that was agreed on; null while it is not connected. */
  get protocol(): string | null {
    return this.#current?.client.getNegotiatedProtocolVersion() ?? null;
  }

  /**
   * Calls a tool. One that was certainly not carried out, since the server knows the session no more or was not reached, is
   * made again.
   * @throws ToolSourceUnavailable, ToolSourceLost, what the server refuses
   */
  call(tool: string, given: Record<string, unknown>, { timeoutMs, signal }: ToolCallSetting): Promise<CallToolResult> {
    // The caller ends the call at its time, and says so; this only ends what the caller has forgotten.
    const limits = { signal, timeout: timeoutMs + SPARE_MS };
    return this.#ask({
      make: (client) => client.callTool({ name: tool, arguments: given }, limits),
      failed: (error, connection) => {
        // A server that does not answer in time may never answer again.
        if (signal.aborted) void this.#probe(connection);
        return isVerdict(error) ? error : new ToolSourceLost(this.name);
      },
    });
  }

  /** Ends all connections, and one that is being made. */
  async close(): Promise<void> {
    this.#closing.abort();
    await this.#connecting?.catch(() => undefined);
    await Promise.all([...this.#open].map(({ client }) => client.close()));
  }

  async #ask<Result>(request: Request<Result>, isRepeated = false): Promise<Result> {
    const connection = await this.#connected();
    try {
      const result = await connection.use(request.make);
      this.#failures = 0;
      return result;
    } catch (error) {
      if (connection.isOver(error)) this.#leave(connection);
      if (!connection.isUnsent(error)) throw request.failed(error, connection);
      if (isRepeated) throw this.#failed(error);
      return this.#ask(request, true);
    }
  }

  async #connected(): Promise<SourceConnection> {
    if (this.#current !== null) return this.#current;
    if (this.#isLeftAlone()) throw new ToolSourceUnavailable(this.name, this.#lastFailure.why);
    this.#connecting ??= this.#connect().finally(() => {
      this.#connecting = null;
    });
    return this.#connecting;
  }

  async #connect(): Promise<SourceConnection> {
    try {
      const client = await connectSource(this.#settings, this.#closing.signal);
      const connection = new SourceConnection(client);
      client.onclose = () => {
        this.#open.delete(connection);
        this.#leave(connection);
      };
      this.#open.add(connection);
      this.#current = connection;
      return connection;
    } catch (error) {
      throw this.#failed(error);
    }
  }

  async #probe(connection: SourceConnection): Promise<void> {
    try {
      await connection.use((client) => client.listTools(undefined, { ...listLimits(), cacheMode: 'refresh' }));
    } catch (error) {
      if (!(error instanceof ProtocolError)) this.#leave(connection);
    }
  }

  /** The next request connects anew. */
  #leave(connection: SourceConnection): void {
    if (this.#current === connection) this.#current = null;
    connection.leave();
  }

  /** Leaves the source alone for a while, which failures of one moment do not prolong. */
  #failed(error: unknown): ToolSourceUnavailable {
    const why = errorMessage(error);
    if (!this.#isLeftAlone()) {
      this.#failures += 1;
      this.#lastFailure = { at: performance.now(), why };
    }
    return new ToolSourceUnavailable(this.name, why);
  }

  #isLeftAlone(): boolean {
    const waitMs = this.#failures === 0 ? 0 : growingWaitMs(LEFT_ALONE, this.#failures);
    return performance.now() < this.#lastFailure.at + waitMs;
  }
}

function listLimits() {
  return { timeout: LIST_MS, signal: AbortSignal.timeout(LIST_MS) };
}

/** Whether a failure is the server's word, or the end that the caller has set. */
function isVerdict(error: unknown): boolean {
  if (error instanceof ProtocolError || codeOf(error) === 'REQUEST_TIMEOUT') return true;
  return error instanceof Error && error.name === 'AbortError';
}
