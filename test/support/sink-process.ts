import { fdatasyncSync, openSync, writeSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as pause } from 'node:timers/promises';

/**
 * The outside world of a fault test, in a process of its own, so that no fault reaches what it remembers. It honours
 * idempotency keys: the first call under a key is an effect, later ones are only counted. A blind call is an effect every
 * time, as with a service that knows no keys. Every call is in the log on disk before it is answered.
 */
interface Call {
  readonly key: string;
  /** What the effect was done to; one of them with two effects is a double. */
  readonly subject: string;
  readonly blind?: boolean;
}

const calls = new Map<string, number>();
const effects = new Map<string, number>();
const subjects = new Map<string, number>();
/** Gates that have held their first caller; true once they are open. */
const gates = new Map<string, boolean>();
const waiting = new Map<string, ServerResponse>();
let slowMs = 0;

const log = openSync(process.argv[2] ?? '', 'a');

function count(counts: Map<string, number>, name: string): number {
  const next = (counts.get(name) ?? 0) + 1;
  counts.set(name, next);
  return next;
}

async function take(call: Call): Promise<{ effect: boolean }> {
  if (slowMs > 0) await pause(slowMs);
  const effect = count(calls, call.key) === 1 || call.blind === true;
  writeSync(log, `${JSON.stringify({ ...call, effect })}\n`);
  fdatasyncSync(log);
  if (effect) {
    count(effects, call.key);
    count(subjects, call.subject);
  }
  return { effect };
}

/** Holds the first caller of a gate until it is opened; everybody after it passes at once. */
function waitAtGate(name: string, response: ServerResponse): void {
  if (gates.has(name)) {
    answer(response, {});
    return;
  }
  gates.set(name, false);
  waiting.set(name, response);
  response.on('close', () => waiting.delete(name));
}

function openGate(name: string): void {
  gates.set(name, true);
  const held = waiting.get(name);
  if (held !== undefined) answer(held, {});
}

function answer(response: ServerResponse, body: unknown): void {
  response.setHeader('content-type', 'application/json').end(JSON.stringify(body));
}

async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const [, place = '', name = ''] = (request.url ?? '').split('/').map(decodeURIComponent);
  switch (`${request.method} ${place}`) {
    case 'POST effects':
      return answer(response, await take((await json(request)) as Call));
    case 'POST gates':
      return waitAtGate(name, response);
    case 'PUT gates':
      openGate(name);
      return answer(response, {});
    case 'PUT slow':
      slowMs = Number(name);
      return answer(response, {});
    case 'GET record':
      return answer(response, {
        calls: Object.fromEntries(calls),
        effects: Object.fromEntries(effects),
        subjects: Object.fromEntries(subjects),
        waiting: [...waiting.keys()],
      });
    default:
      response.statusCode = 404;
      response.end();
  }
}

const server = createServer((request, response) => {
  serve(request, response).catch((error: unknown) => {
    response.statusCode = 500;
    response.end(String(error));
  });
});
// A caller that was stopped for a while must not find its connection closed: that would be a fault of the sink's own.
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  process.send?.({ port: typeof address === 'object' && address !== null ? address.port : 0 });
});
process.on('disconnect', () => process.exit(0));
