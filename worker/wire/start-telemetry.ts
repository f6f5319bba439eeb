import pTimeout from 'p-timeout';
import type { Closers } from './closers.ts';
import type { Opened } from './open-worker.ts';

/** How long a stop waits for the collector. What it did not get by then, another process or the next start sends. */
const STOP_MS = 2_000;

/** Tells the collector of the configuration what has ended. Without one nothing of OpenTelemetry is loaded. */
export async function startTelemetry({ config, database, workerId, log }: Opened, closers: Closers): Promise<void> {
  if (config.telemetry === null) return;
  const { SpanExport } = await import('../../telemetry/span-export.ts');
  const spans = new SpanExport({ ...config.telemetry, instance: workerId, database, log });
  spans.start();
  const stop = () => pTimeout(spans.stop(), { milliseconds: STOP_MS, fallback: () => undefined });
  closers.add('the telemetry', spans, stop);
}
