import { once } from 'node:events';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isWireName } from '../../domain/models/tool-names.ts';

/** What a model is told, as it comes over the wire. */
export interface WireMessage {
  readonly role: string;
  readonly content: string | null;
  readonly tool_call_id?: string;
}

/** What the model of a test says. */
export interface Reply {
  readonly text?: string;
  readonly calls?: readonly { readonly tool: string; readonly arguments: unknown }[];
  /** Answers with this status instead. */
  readonly status?: number;
  readonly retryAfterSeconds?: number;
  /** Says nothing after the head of its answer, and keeps the connection open. */
  readonly stall?: boolean;
}

export interface Asked {
  readonly messages: readonly WireMessage[];
  readonly tools: readonly string[];
  /** What the model is told of each tool, by its name. */
  readonly descriptions: Readonly<Record<string, string>>;
  readonly temperature: number | undefined;
  /** How often this very conversation was asked, this time included. */
  readonly times: number;
  /** Aborts when nobody listens any more. */
  readonly signal: AbortSignal;
}

/** A model that thinks by a function: the same conversation gets the same answer, however often it is asked. */
export interface ModelServer {
  readonly url: string;
  /** Every request, in order: what a provider would charge. */
  readonly asked: readonly Asked[];
  /** How often a conversation was asked that holds this text. */
  askedWith(text: string): number;
  close(): Promise<void>;
}

/** Starts it as an OpenAI-compatible endpoint. */
export async function startModelServer(think: (asked: Asked) => Reply | Promise<Reply>): Promise<ModelServer> {
  const asked: Asked[] = [];
  const seen = new Map<string, number>();
  const server = createServer(async (request, response) => {
    const body = JSON.parse(await textOf(request));
    const text = JSON.stringify(body.messages);
    const times = (seen.get(text) ?? 0) + 1;
    seen.set(text, times);
    const offered: readonly { function: { name: string; description?: string } }[] = body.tools ?? [];
    const tools = offered.map((tool) => tool.function.name);
    const told = offered.map((tool) => [tool.function.name, tool.function.description ?? ''] as const);
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const more = { descriptions: Object.fromEntries(told), temperature: body.temperature, signal: gone.signal };
    const one: Asked = { messages: body.messages, tools, times, ...more };
    asked.push(one);
    const reply = tools.every(isWireName) ? await think(one) : { status: 400 };
    answer(response, reply, body.stream === true);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    asked,
    askedWith: (text) => asked.filter(({ messages }) => JSON.stringify(messages).includes(text)).length,
    close: async () => {
      server.closeAllConnections();
      server.close();
    },
  };
}

async function textOf(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks).toString('utf8');
}

const USAGE = { prompt_tokens: 100, completion_tokens: 20, total_tokens: 120 };

function answer(response: ServerResponse, reply: Reply, stream: boolean): void {
  if (reply.status !== undefined) {
    const after = reply.retryAfterSeconds;
    response.writeHead(reply.status, after === undefined ? {} : { 'retry-after': String(after) });
    response.end(JSON.stringify({ error: { message: `status ${reply.status}` } }));
    return;
  }
  const calls = (reply.calls ?? []).map(({ tool, arguments: given }, index) => ({
    index,
    id: `call-${index}-${tool}`,
    type: 'function',
    function: { name: tool, arguments: typeof given === 'string' ? given : JSON.stringify(given) },
  }));
  const said = { role: 'assistant', content: reply.text ?? '', ...(calls.length === 0 ? {} : { tool_calls: calls }) };
  const finish_reason = calls.length === 0 ? 'stop' : 'tool_calls';
  const head = { id: 'chat', created: 1, model: 'scripted' };
  if (!stream) {
    response.writeHead(200, { 'content-type': 'application/json' });
    response.end(JSON.stringify({ ...head, choices: [{ index: 0, message: said, finish_reason }], usage: USAGE }));
    return;
  }
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  if (reply.stall === true) {
    response.flushHeaders();
    return;
  }
  const send = (part: object) =>
    response.write(`data: ${JSON.stringify({ ...head, object: 'chat.completion.chunk', ...part })}\n\n`);
  send({ choices: [{ index: 0, delta: said, finish_reason: null }] });
  send({ choices: [{ index: 0, delta: {}, finish_reason }] });
  send({ choices: [], usage: USAGE });
  response.end('data: [DONE]\n\n');
}

/** Writes settings in which the model `default` is this endpoint, or these in their order. @returns for `MUSTER_MODELS` */
export async function modelsFile(...urls: readonly string[]): Promise<string> {
  const prices = { input: 1_000_000, cached: 100_000, output: 4_000_000 };
  const route = { id: 'scripted-1', contextTokens: 100_000, maxOutputTokens: 1_000, prices };
  const names = urls.map((_, index) => (index === 0 ? 'local' : `local-${index + 1}`));
  const settings = {
    providers: Object.fromEntries(names.map((name, index) => [name, { baseUrl: urls[index] ?? '', key: 'none' }])),
    models: { default: names.map((provider) => ({ provider, ...route })) },
  };
  const path = join(await mkdtemp(join(tmpdir(), 'muster-models-')), 'models.json');
  await writeFile(path, JSON.stringify(settings));
  return path;
}
