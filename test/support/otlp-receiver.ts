import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

/** A span as it comes over the wire. */
export interface ReceivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly kind: number;
  readonly status: number;
  readonly startMs: number;
  readonly endMs: number;
  readonly links: readonly { readonly traceId: string }[];
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A point of a histogram as it comes over the wire. */
export interface ReceivedPoint {
  readonly metric: string;
  readonly sum: number;
  readonly count: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** A collector that keeps what it is told: OTLP over HTTP, in JSON. */
export class OtlpReceiver {
  readonly spans: ReceivedSpan[] = [];
  /** The newest points of each histogram: they are cumulative. */
  points: readonly ReceivedPoint[] = [];
  readonly headers: Record<string, unknown>[] = [];
  /** What it was sent, as it came. */
  readonly bodies: string[] = [];
  /** Answers instead of taking spans, now or later; 200 takes them. */
  status: (spans: readonly ReceivedSpan[]) => number | Promise<number> = () => 200;
  readonly #server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const text = Buffer.concat(chunks).toString('utf8');
    this.bodies.push(text);
    const body = JSON.parse(text);
    this.headers.push({ ...request.headers });
    const spans = request.url === '/v1/traces' ? spansIn(body) : [];
    const status = request.url === '/v1/traces' ? await this.status(spans) : 200;
    if (status === 200) this.spans.push(...spans);
    if (request.url === '/v1/metrics') this.points = pointsIn(body);
    response.writeHead(status, { 'content-type': 'application/json' }).end('{}');
  });

  /** Holds each request for spans until the test answers it. */
  hold(): PromiseWithResolvers<number>[] {
    const requests: PromiseWithResolvers<number>[] = [];
    this.status = () => {
      const request = Promise.withResolvers<number>();
      requests.push(request);
      return request.promise;
    };
    return requests;
  }

  async open(): Promise<string> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  close(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const attribute = z.object({ key: z.string(), value: z.record(z.string(), z.unknown()) });
const span = z.object({
  traceId: z.string().regex(/^[0-9a-f]{32}$/),
  spanId: z.string().regex(/^[0-9a-f]{16}$/),
  parentSpanId: z.string().optional(),
  name: z.string(),
  kind: z.number(),
  startTimeUnixNano: z.string(),
  endTimeUnixNano: z.string(),
  attributes: z.array(attribute),
  links: z.array(z.object({ traceId: z.string() })),
  status: z.object({ code: z.number() }),
});
const traces = z.object({
  resourceSpans: z.array(z.object({ scopeSpans: z.array(z.object({ spans: z.array(span) })) })),
});
const point = z.object({ sum: z.number(), count: z.number(), attributes: z.array(attribute) });
const metric = z.object({ name: z.string(), histogram: z.object({ dataPoints: z.array(point) }) });
const metrics = z.object({
  resourceMetrics: z.array(z.object({ scopeMetrics: z.array(z.object({ metrics: z.array(metric) })) })),
});

function spansIn(body: unknown): ReceivedSpan[] {
  return traces
    .parse(body)
    .resourceSpans.flatMap(({ scopeSpans }) => scopeSpans)
    .flatMap(({ spans }) => spans)
    .map(({ startTimeUnixNano, endTimeUnixNano, status, attributes, ...each }) => ({
      ...each,
      parentSpanId: each.parentSpanId,
      status: status.code,
      startMs: Number(startTimeUnixNano) / 1e6,
      endMs: Number(endTimeUnixNano) / 1e6,
      attributes: attributesOf(attributes),
    }));
}

function pointsIn(body: unknown): ReceivedPoint[] {
  return metrics
    .parse(body)
    .resourceMetrics.flatMap(({ scopeMetrics }) => scopeMetrics)
    .flatMap((scope) => scope.metrics)
    .flatMap(({ name, histogram }) =>
      histogram.dataPoints.map(({ attributes, ...each }) => ({
        ...each,
        metric: name,
        attributes: attributesOf(attributes),
      })),
    );
}

function attributesOf(given: readonly z.infer<typeof attribute>[]): Record<string, unknown> {
  return Object.fromEntries(given.map(({ key, value }) => [key, plainValue(value)]));
}

function plainValue(value: Readonly<Record<string, unknown>>): unknown {
  const { arrayValue, intValue, ...other } = value;
  if (arrayValue !== undefined) {
    const list = z.object({ values: z.array(z.record(z.string(), z.unknown())) }).parse(arrayValue);
    return list.values.map(plainValue);
  }
  return intValue === undefined ? Object.values(other)[0] : Number(intValue);
}
