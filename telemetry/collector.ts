import type { HrTime } from '@opentelemetry/api';
import { OTLPMetricExporter } from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { type Resource, resourceFromAttributes } from '@opentelemetry/resources';
import { MeterProvider, PeriodicExportingMetricReader } from '@opentelemetry/sdk-metrics';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { ATTRIBUTES, METRICS, OPERATIONS, SCHEMA_URL } from './conventions.ts';

/** Where the collector is, and what it is told of this process. */
export interface CollectorOptions {
  /** The base of its addresses: `/v1/traces` and `/v1/metrics` are added. */
  readonly endpoint: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly serviceName: string;
  /** The process. */
  readonly instance: string;
}

/** What became of spans: the collector has them, refused them for good, or could not be asked. */
export type Delivery =
  | { readonly kind: 'taken' }
  | { readonly kind: 'refused' | 'unavailable'; readonly reason: string };

/** How long one request may take. The exporter asks again within it where the collector is busy. */
const REQUEST_MS = 5_000;
const METRICS_EVERY_MS = 15_000;
/** A collector that answers one of these will never take the same spans. All else may be mended, by time or by people. */
const NEVER = [400, 413, 422];

/** The collector, as the official exporters speak to it: OTLP over HTTP, in JSON. */
export class Collector {
  readonly resource: Resource;
  readonly #spans: OTLPTraceExporter;
  readonly #meters: MeterProvider;
  readonly #tokens;
  readonly #duration;

  constructor({ endpoint, headers, serviceName, instance }: CollectorOptions) {
    const base = endpoint.replace(/\/+$/, '');
    const to = (path: string) => ({ url: `${base}${path}`, headers: { ...headers }, timeoutMillis: REQUEST_MS });
    this.resource = resourceFromAttributes({ 'service.name': serviceName, 'service.instance.id': instance });
    this.#spans = new OTLPTraceExporter(to('/v1/traces'));
    const exporter = new OTLPMetricExporter(to('/v1/metrics'));
    const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: METRICS_EVERY_MS });
    this.#meters = new MeterProvider({ resource: this.resource, readers: [reader] });
    const meter = this.#meters.getMeter('muster', undefined, { schemaUrl: SCHEMA_URL });
    const histogram = ({ name, unit, description, bounds }: (typeof METRICS)[keyof typeof METRICS]) =>
      meter.createHistogram(name, { unit, description, advice: { explicitBucketBoundaries: [...bounds] } });
    this.#tokens = histogram(METRICS.tokens);
    this.#duration = histogram(METRICS.duration);
  }

  /** Sends spans in one request. */
  deliver(spans: ReadableSpan[]): Promise<Delivery> {
    return new Promise((resolve) => {
      this.#spans.export(spans, ({ code, error }) => {
        if (code === 0) return resolve({ kind: 'taken' });
        const status = error !== undefined && 'code' in error ? Number(error.code) : 0;
        const reason = error?.message ?? 'it did not say why';
        resolve({ kind: NEVER.includes(status) ? 'refused' : 'unavailable', reason });
      });
    });
  }

  /** Counts the model calls among spans that were delivered. */
  count(spans: readonly ReadableSpan[]): void {
    for (const { attributes, duration } of spans) {
      if (attributes[ATTRIBUTES.operation] !== OPERATIONS.model) continue;
      const { provider, requestModel, error } = ATTRIBUTES;
      const names = [ATTRIBUTES.operation, provider, requestModel];
      const labels = Object.fromEntries(names.map((name) => [name, attributes[name]]));
      const failed = attributes[error] === undefined ? {} : { [error]: attributes[error] };
      this.#duration.record(secondsOf(duration), { ...labels, ...failed });
      for (const [type, name] of [
        ['input', ATTRIBUTES.inputTokens] as const,
        ['output', ATTRIBUTES.outputTokens] as const,
      ]) {
        const tokens = Number(attributes[name]);
        if (tokens > 0) this.#tokens.record(tokens, { ...labels, [ATTRIBUTES.tokenType]: type });
      }
    }
  }

  /** Sends what was counted, as far as it can, and ends. */
  async close(): Promise<void> {
    await Promise.allSettled([this.#meters.shutdown({ timeoutMillis: REQUEST_MS }), this.#spans.shutdown()]);
  }
}

function secondsOf([seconds, nanoseconds]: HrTime): number {
  return seconds + nanoseconds / 1_000_000_000;
}
