import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { mcp } from '../../index.ts';
import { ToolSources } from '../../tool-sources/tool-sources.ts';

/** A server of the newer era over HTTP, whose list of tools is good for as long as it is told. */
class HttpServer {
  /** The methods that were asked for, and with which keys. */
  readonly asked: string[] = [];
  readonly keys = new Set<string | undefined>();
  readonly #server: Server;

  constructor(ttlMs: number, names: readonly string[]) {
    const handler = createMcpHandler(() => {
      const server = new McpServer({ name: 'a', version: '1' }, { cacheHints: { 'tools/list': { ttlMs } } });
      for (const name of names) {
        server.registerTool(name, { description: '', inputSchema: z.object({}) }, () => ({
          content: [{ type: 'text', text: `${name} answers` }],
        }));
      }
      return server;
    });
    this.#server = createServer(async (request, response) => {
      const body = await text(request);
      this.asked.push(body === '' ? '' : JSON.parse(body).method);
      this.keys.add(request.headers.authorization);
      const headers = Object.entries(request.headers).map(([name, value]) => [name, String(value)] as [string, string]);
      const given = { method: request.method ?? '', headers, ...(body === '' ? {} : { body }) };
      const answer = await handler.fetch(new Request(`http://127.0.0.1${request.url}`, given));
      response.writeHead(answer.status, Object.fromEntries(answer.headers));
      response.end(Buffer.from(await answer.arrayBuffer()));
    });
  }

  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/mcp`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

describe('the sources of a worker', function () {
  this.timeout(30_000);

  /** Asks a server with such a list three times for what an agent has. */
  const askThrice = async (ttlMs: number, names: readonly string[] = ['find']) => {
    const server = new HttpServer(ttlMs, names);
    const headers = { authorization: 'Bearer key' };
    const settings = { url: await server.open(), headers, tools: { find: { risk: 'read_only' } } } as const;
    const told: unknown[] = [];
    const sources = new ToolSources(new Map([['crm', settings]]), async (found) => {
      told.push(found.state.protocol);
    });
    try {
      const found = [];
      for (let time = 0; time < 3; time += 1) found.push(await sources.toolsOf([mcp('crm'), mcp('crm', ['find'])]));
      const lists = server.asked.filter((method) => method === 'tools/list').length;
      return { found: found.at(-1), lists, told, keys: [...server.keys] };
    } finally {
      await sources.close();
      server.close();
    }
  };

  it('ask a server again once its list is not good any more, by what it says itself', async () => {
    assert.equal((await askThrice(60_000)).lists, 1);
    assert.equal((await askThrice(0)).lists, 3);
  });

  it('call an address of the newer era with the key, and tell what they found only once', async () => {
    const { told, keys } = await askThrice(60_000);

    assert.deepEqual([told, keys], [['2026-07-28'], ['Bearer key']]);
  });

  it('give each tool once, and none whose name nobody can grant', async () => {
    const { found } = await askThrice(60_000, ['find', 'other', 'x'.repeat(97)]);

    const tools = found?.tools.map(({ name, risk, effect }) => [name, risk, effect]);
    assert.deepEqual(tools, [
      ['crm.find', 'read_only', 'none'],
      ['crm.other', 'high_risk', 'unsafe'],
    ]);
  });
});
