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
/** Of one message, or of one answer. */
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
 * @param closed called once the connection has ended
 * @param signal ends the attempt
 */
export async function connectSource(
  settings: SourceSettings,
  { closed, signal }: { readonly closed: () => void; readonly signal: AbortSignal },
): Promise<Client> {
  const client = new Client(
    { name: 'muster', version: '1' },
    {
      versionNegotiation: { mode: 'auto', probe: { timeoutMs: PROBE_MS } },
      ...{ defaultCacheTtlMs: LIST_TTL_MS, jsonSchemaValidator: ACCEPT_ALL },
    },
  );
  // What goes wrong beside a request shows in the next one.
  client.onerror = () => undefined;
  client.onclose = closed;
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

/** Ends an answer that is too large. A stream of notifications, which a GET opens, has no end and may grow. */
async function cappedFetch(url: string | URL, init?: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  if (response.body === null || init?.method !== 'POST') return response;
  let bytes = 0;
  const counted = new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, controller) {
      bytes += chunk.length;
      if (bytes > MOST_BYTES) controller.error(new Error(`its answer has more than ${MOST_BYTES} bytes`));
      else controller.enqueue(chunk);
    },
  });
  return new Response(response.body.pipeThrough(counted), response);
}
