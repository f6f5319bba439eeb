import { Client, type JsonSchemaValidator, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { errorMessage } from '../domain/errors.ts';
import { raceWithAbort } from '../domain/waits.ts';
import type { SourceSettings } from './source-settings.ts';

/** A program may have to be downloaded first. */
const CONNECT_MS = 30_000;
/** To find out which era it speaks. One that says nothing is asked in the older one. */
const PROBE_MS = 10_000;
/** How long a server that says nothing of it may be taken to have the same tools. */
const LIST_TTL_MS = 300_000;
/** Of one message, one answer, or one event of a stream that has no end. */
const MOST_BYTES = 12_000_000;
/** Of what a program says on standard error, for operators. */
const KEPT_CHARACTERS = 300;

/** What a server answers is text for a model: compiling the schemas that it sends would run what it wrote. */
const ACCEPT_ALL = {
  getValidator<Value>(): JsonSchemaValidator<Value> {
    return (value) => ({ valid: true, data: value as Value, errorMessage: undefined });
  },
};

/**
 * Connects to a server, in whichever era of the protocol it speaks.
 * @param signal ends the attempt
 */
export async function connectSource(settings: SourceSettings, signal: AbortSignal): Promise<Client> {
  const client = new Client(
    { name: 'muster', version: '1' },
    {
      versionNegotiation: { mode: 'auto', probe: { timeoutMs: PROBE_MS } },
      ...{ defaultCacheTtlMs: LIST_TTL_MS, jsonSchemaValidator: ACCEPT_ALL },
    },
  );
  // What goes wrong beside a request shows in the next one.
  client.onerror = () => undefined;
  const { transport, said } = transportTo(settings);
  try {
    await raceWithAbort(signal, () => client.connect(transport, { timeout: CONNECT_MS, signal }));
    return client;
  } catch (error) {
    await client.close().catch(() => undefined);
    const words = said().trim();
    throw words === '' ? error : new Error(`${errorMessage(error)}: ${words}`, { cause: error });
  }
}

/** `said`: the last words of a program on standard error. */
function transportTo(settings: SourceSettings) {
  if ('url' in settings) {
    const requestInit = { headers: { ...settings.headers } };
    const options = { requestInit, fetch: cappedFetch };
    return { transport: new StreamableHTTPClientTransport(new URL(settings.url), options), said: () => '' };
  }
  const { command, args, cwd, env } = settings;
  const transport = new StdioClientTransport({
    ...{ command, args: [...args], env: { ...env }, stderr: 'pipe', maxBufferSize: MOST_BYTES },
    ...(cwd === null ? {} : { cwd }),
  });
  let words = '';
  transport.stderr?.on('data', (chunk: Buffer) => {
    words = (words + chunk.toString('utf8')).slice(-KEPT_CHARACTERS);
  });
  return { transport, said: () => words };
}

/** Ends an answer that is too large. A stream of notifications, which a GET opens, may grow, but none of its events. */
async function cappedFetch(url: string | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (response.body === null) return response;
  const isStream = init?.method === 'GET' && response.ok;
  const bytesAfter = isStream ? eventBytes() : answerBytes();
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      if (bytesAfter(chunk) <= MOST_BYTES) controller.enqueue(chunk);
      else controller.error(new Error(`its ${isStream ? 'event' : 'answer'} has more than ${MOST_BYTES} bytes`));
    },
  });
  return new Response(response.body.pipeThrough(counted), response);
}

function answerBytes(): (chunk: Uint8Array) => number {
  let bytes = 0;
  return (chunk) => {
    bytes += chunk.length;
    return bytes;
  };
}

const LINE_FEED = 10;
const RETURN = 13;

/** Counts the bytes of the event that has not ended yet: an empty line ends one. */
function eventBytes(): (chunk: Uint8Array) => number {
  let bytes = 0;
  let isLineEmpty = true;
  return (chunk) => {
    for (const byte of chunk) {
      bytes = byte === LINE_FEED && isLineEmpty ? 0 : bytes + 1;
      if (byte !== RETURN) isLineEmpty = byte === LINE_FEED;
    }
    return bytes;
  };
}
