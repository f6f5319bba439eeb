import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import type { Script, ScriptedAnswer } from './script.ts';
import { type ReceivedRequest, readRequest, Turns } from './turns.ts';

/** Of a request: a long conversation. */
const MOST_BODY_BYTES = 64_000_000;
/** A text that is not given in pieces is sent in pieces of so many characters. */
const PIECE = /[\s\S]{1,24}/g;

/** An OpenAI-compatible provider that answers from a script. */
export interface ScriptedProvider {
  /** What a provider of the settings has as its `baseUrl`. */
  readonly baseUrl: string;
  /** The requests so far, those that no turn fitted included. */
  readonly requests: readonly ReceivedRequest[];
  /** Stops it. @returns a sentence for each unused turn and each surplus request */
  close(): Promise<readonly string[]>;
}

/** Serves a script on 127.0.0.1. @param port 0 for a free one */
export async function serveScript(
  script: Script,
  { port = 0 }: { readonly port?: number } = {},
): Promise<ScriptedProvider> {
  const turns = new Turns(script);
  const requests: ReceivedRequest[] = [];
  const closing = new AbortController();
  const server = createServer((request, response) => {
    answer(request, response, { turns, requests, signal: closing.signal }).catch(() => response.destroy());
  });
  await new Promise<void>((resolve, reject) => server.once('error', reject).listen(port, '127.0.0.1', resolve));
  return {
    baseUrl: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    requests,
    async close() {
      closing.abort();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      return turns.faults();
    },
  };
}

interface Serving {
  readonly turns: Turns;
  readonly requests: ReceivedRequest[];
  readonly signal: AbortSignal;
}

async function answer(request: IncomingMessage, response: ServerResponse, { turns, requests, signal }: Serving) {
  if (request.method !== 'POST' || request.url?.endsWith('/chat/completions') !== true) {
    return refuse(response, 404, 'There is only POST /v1/chat/completions.');
  }
  const received = readRequest(JSON.parse(await bodyOf(request)), request.headers.authorization ?? null);
  requests.push(received);
  const [refused] = received.refusedNames;
  if (refused !== undefined)
    return refuse(response, 400, `${JSON.stringify(refused)} is not a name that providers take for a tool.`);
  const next = turns.next(received);
  if (typeof next === 'string') return refuse(response, 409, next);
  if (next.retryAfter !== undefined) response.setHeader('retry-after', String(next.retryAfter));
  if (next.status !== undefined) return refuse(response, next.status, next.message ?? `status ${next.status}`);
  await stream(response, next, { id: requests.length, model: received.model, signal });
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > MOST_BODY_BYTES) throw new RangeError('the request is too large');
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

function refuse(response: ServerResponse, status: number, message: string): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify({ error: { message, type: 'scripted', code: status } }));
}

interface Streaming {
  readonly id: number;
  readonly model: string;
  readonly signal: AbortSignal;
}

async function stream(response: ServerResponse, scripted: ScriptedAnswer, { id, model, signal }: Streaming) {
  response.writeHead(200, { 'content-type': 'text/event-stream' });
  response.flushHeaders();
  const send = async (fields: object) => {
    const chunk = { id: `scripted-${id}`, object: 'chat.completion.chunk', created: 0, model, ...fields };
    // Waits until it is sent, so that a cut comes after it; an error says that nobody listens any more.
    await new Promise<void>((resolve, reject) =>
      response.write(`data: ${JSON.stringify(chunk)}\n\n`, (error) => (error ? reject(error) : resolve())),
    );
  };
  for (const piece of piecesOf(scripted)) {
    if (typeof piece === 'string') await send({ choices: [{ index: 0, delta: { content: piece } }] });
    else await pause(piece.pauseMs, undefined, { signal });
  }
  const calls = (scripted.calls ?? []).map((call, index) => callForm(call, { id, index }));
  if (calls.length > 0) await send({ choices: [{ index: 0, delta: { tool_calls: calls } }] });
  if (scripted.stall === true) return;
  if (scripted.cut === true) {
    response.destroy();
    return;
  }
  const finish = scripted.finish ?? (calls.length > 0 ? 'tool_calls' : 'stop');
  await send({ choices: [{ index: 0, delta: {}, finish_reason: finish }] });
  if (scripted.usage !== undefined) await send({ choices: [], usage: usageForm(scripted.usage) });
  response.end('data: [DONE]\n\n');
}

function piecesOf({ text = '', chunks }: ScriptedAnswer) {
  return chunks ?? text.match(PIECE) ?? [];
}

function callForm(
  { tool, arguments: given, id }: NonNullable<ScriptedAnswer['calls']>[number],
  turn: { readonly id: number; readonly index: number },
) {
  const own = id ?? `call_${turn.id}_${turn.index + 1}`;
  const text = typeof given === 'string' ? given : JSON.stringify(given ?? {});
  return { index: turn.index, id: own, type: 'function', function: { name: tool, arguments: text } };
}

function usageForm({ input, cached = 0, output, reasoning = 0 }: NonNullable<ScriptedAnswer['usage']>) {
  return {
    prompt_tokens: input,
    completion_tokens: output,
    total_tokens: input + output,
    prompt_tokens_details: { cached_tokens: cached },
    completion_tokens_details: { reasoning_tokens: reasoning },
  };
}
