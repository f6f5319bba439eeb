import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import type { SourceSettings } from '../../tool-sources/source-settings.ts';

/** What a test decides. */
interface Behaviour {
  /** Carries a call out. @returns the status of the answer */
  readonly call?: (tool: string) => number | Promise<number>;
  /** Answers one page of the list. @returns where the next one begins */
  readonly page?: (cursor: string | undefined) => Promise<string | undefined>;
  /** Writes to the stream of notifications; without it, there is none. */
  readonly stream?: (response: ServerResponse) => void;
}

interface Message {
  readonly id?: number;
  readonly method: string;
  readonly params?: { readonly name?: string; readonly cursor?: string; readonly protocolVersion?: string };
}

/** A server of the older era over HTTP, with sessions, that behaves as a test says. */
export class SessionServer {
  /** The tools that were carried out, and the methods of all requests. */
  readonly calls: string[] = [];
  readonly asked: string[] = [];
  /** How it answers a request with a session that it does not know. */
  unknownSession = 404;
  hasSessions = true;
  readonly #behaviour: Behaviour;
  readonly #sessions = new Set<string>();
  readonly #server: Server;

  constructor(behaviour: Behaviour) {
    this.#behaviour = behaviour;
    this.#server = createServer((request, response) => void this.#answer(request, response));
  }

  /** @returns the settings of its source */
  async open(): Promise<SourceSettings> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    const { port } = this.#server.address() as AddressInfo;
    return { url: `http://127.0.0.1:${port}/mcp`, headers: {}, tools: {} };
  }

  forgetSessions(): void {
    this.#sessions.clear();
  }

  async close(): Promise<void> {
    const closed = once(this.#server, 'close');
    this.#server.close();
    this.#server.closeAllConnections();
    await closed;
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.method === 'GET' && this.#behaviour.stream !== undefined) {
      response.writeHead(200, { 'content-type': 'text/event-stream' });
      return this.#behaviour.stream(response);
    }
    if (request.method !== 'POST') return void response.writeHead(405).end();
    const message: Message = JSON.parse(await text(request));
    this.asked.push(message.method);
    const session = request.headers['mcp-session-id'];
    if (session !== undefined && !this.#sessions.has(String(session))) {
      return void response.writeHead(this.unknownSession).end();
    }
    if (message.id === undefined) return void response.writeHead(202).end();
    const { status = 200, ...answer } = await this.#answerTo(message);
    const opened = message.method === 'initialize' && this.hasSessions ? { 'mcp-session-id': this.#newSession() } : {};
    response
      .writeHead(status, { 'content-type': 'application/json', ...opened })
      .end(JSON.stringify({ jsonrpc: '2.0', id: message.id, ...answer }));
  }

  #newSession(): string {
    const session = randomUUID();
    this.#sessions.add(session);
    return session;
  }

  async #answerTo({ method, params }: Message): Promise<{ status?: number; result?: object; error?: object }> {
    if (method === 'initialize') {
      const serverInfo = { name: 'sessions', version: '1' };
      return { result: { protocolVersion: params?.protocolVersion, capabilities: { tools: {} }, serverInfo } };
    }
    if (method === 'tools/list') {
      const nextCursor = await this.#behaviour.page?.(params?.cursor);
      return { result: { tools: [], ...(nextCursor === undefined ? {} : { nextCursor }) } };
    }
    if (method !== 'tools/call') return { error: { code: -32_601, message: 'Method not found' } };
    const tool = params?.name ?? '';
    this.calls.push(tool);
    const status = (await this.#behaviour.call?.(tool)) ?? 200;
    return { status, result: { content: [{ type: 'text', text: `${tool} answers` }] } };
  }
}
