import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import type { Database } from '../database/transaction.ts';
import { Loop, type LoopLog } from '../domain/system/loop.ts';
import { heldBy, parseTelemetryPlace, storedPlace, type TelemetryPlace } from '../domain/system/telemetry-cursor.ts';
import { SettingsRepository } from '../entities/system/settings-repository.ts';
import { type EndedTrace, EndedTracesRepository } from '../entities/traces/ended-traces-repository.ts';
import { Collector, type CollectorOptions, type Delivery } from './collector.ts';
import { spansOf } from './trace-spans.ts';

export interface SpanExportOptions extends CollectorOptions {
  readonly database: Database;
  readonly log: LoopLog;
  /** How long ago a trace must have ended, in seconds: longer than a unit of work may take. @defaultValue 15 */
  readonly settleSeconds?: number;
}

const SETTLE_SECONDS = 15;
const IDLE_MS = 3_000;
/** After this a process that died no longer holds the export. One that lives holds it anew after each request. */
const HELD_MS = 30_000;
const MOST_TRACES = 200;
/** Events of the traces of one batch, whose rows are in memory at once. A single trace may have more. */
const MOST_EVENTS = 20_000;
/** Spans of one request: a few MB at most, which collectors take by default. */
const MOST_SPANS = 1_000;
const NO_ROWS = { runs: [], models: [], tools: [] };
const REFUSED = 'the collector rejected this trace; skipping it';
const UNAVAILABLE = 'the collector is not accepting spans; they will be sent when it recovers';

/**
 * Tells a collector of every trace that has ended: its spans once it is settled, in the order of the ends. It reads the
 * rows, so nothing is lost while the collector or all workers are down, and one process at a time does it. Spans come at
 * least once; a process that dies in between sends the same ids again. A trace that the collector refuses for good is
 * skipped, with a warning in the log.
 */
export class SpanExport {
  readonly #options: SpanExportOptions;
  readonly #collector: Collector;
  readonly #loop: Loop;
  #wasUnavailable = false;

  constructor(options: SpanExportOptions) {
    this.#options = options;
    this.#collector = new Collector(options);
    this.#loop = new Loop({ name: 'telemetry', turn: () => this.#turn(), log: options.log });
  }

  start(): void {
    this.#loop.start();
  }

  /** Ends with the turn that is under way, lets another process continue at once, and sends what was counted. */
  async stop(): Promise<void> {
    await this.#loop.stop();
    await this.#change((place) => (this.#holds(place) ? { ...place, untilMs: 0 } : place)).catch(() => undefined);
    await this.#collector.close();
  }

  async #turn(): Promise<number> {
    const { database, settleSeconds = SETTLE_SECONDS } = this.#options;
    const held = await this.#hold();
    if (held === null) return IDLE_MS;
    const cursor = held.cursor;
    const traces = await database.inSystem('inspect', ({ em }) => {
      return new EndedTracesRepository(em).after(cursor, settleSeconds, MOST_TRACES);
    });
    const batch = batchOf(traces);
    if (!(await this.#export(batch))) return IDLE_MS;
    return batch.length < traces.length || traces.length === MOST_TRACES ? 0 : IDLE_MS;
  }

  /** Takes the export on, unless another process has it. What ended before the first time is not told. */
  async #hold(): Promise<{ readonly cursor: NonNullable<TelemetryPlace['cursor']> } | null> {
    const { database, settleSeconds = SETTLE_SECONDS } = this.#options;
    const now = { nowMs: Date.now(), forMs: HELD_MS };
    const stored = await database.single.inSystem('configure', ({ em }) =>
      new SettingsRepository(em).read('telemetry'),
    );
    if (!this.#holds(heldBy(parseTelemetryPlace(stored), this.#options.instance, now))) return null;
    const begin = await database.single.inSystem('inspect', ({ em }) =>
      new EndedTracesRepository(em).cursorAt(settleSeconds),
    );
    const place = await this.#change((current) => {
      const { cursor, ...held } = heldBy(current, this.#options.instance, now);
      return { ...held, cursor: cursor ?? begin };
    });
    return this.#holds(place) && place.cursor !== null ? { cursor: place.cursor } : null;
  }

  /** @returns whether the cursor is behind these traces, so that the next ones may follow */
  async #export(traces: readonly EndedTrace[]): Promise<boolean> {
    const last = traces.at(-1);
    if (last === undefined || this.#loop.stopping) return false;
    const spans = await this.#spansOf(traces);
    const delivery = await this.#deliver(spans);
    if (delivery.kind === 'overtaken') return false;
    if (delivery.kind === 'unavailable') return this.#noteUnavailable(delivery.reason);
    if (delivery.kind === 'refused' && traces.length > 1) return this.#oneByOne(traces);
    this.#wasUnavailable = false;
    if (delivery.kind === 'refused') this.#options.log.warn({ traceId: last.id, error: delivery.reason }, REFUSED);
    const isHeld = await this.#holdOn({ cursor: last.cursor });
    if (isHeld && delivery.kind === 'taken') this.#collector.count(spans);
    return isHeld;
  }

  /** After a refusal, so that one trace keeps no other from the collector. */
  async #oneByOne(traces: readonly EndedTrace[]): Promise<boolean> {
    for (const trace of traces) if (!(await this.#export([trace]))) return false;
    return true;
  }

  async #spansOf(traces: readonly EndedTrace[]): Promise<readonly ReadableSpan[]> {
    const rows = await this.#options.database.inSystem('inspect', ({ em }) =>
      new EndedTracesRepository(em).rowsOf(traces.map(({ id }) => id)),
    );
    return traces.flatMap((trace) => spansOf(trace, rows.get(trace.id) ?? NO_ROWS, this.#collector.resource));
  }

  /** @returns `overtaken` where another process has the export, which tells the same spans */
  async #deliver(spans: readonly ReadableSpan[]): Promise<Delivery | { readonly kind: 'overtaken' }> {
    for (let from = 0; from < spans.length; from += MOST_SPANS) {
      const delivery = await this.#collector.deliver(spans.slice(from, from + MOST_SPANS));
      if (delivery.kind !== 'taken') return delivery;
      if (!(await this.#holdOn())) return { kind: 'overtaken' };
    }
    return { kind: 'taken' };
  }

  #noteUnavailable(reason: string): false {
    if (!this.#wasUnavailable) this.#options.log.warn({ error: reason }, UNAVAILABLE);
    this.#wasUnavailable = true;
    return false;
  }

  /** Holds the export longer. What was held too long is still held where no other process has taken it meanwhile. */
  async #holdOn(reached: Pick<TelemetryPlace, 'cursor'> | null = null): Promise<boolean> {
    const place = await this.#change((current) => {
      const isMine = current.holder === this.#options.instance;
      return isMine ? { ...current, ...reached, untilMs: Date.now() + HELD_MS } : current;
    });
    return place.holder === this.#options.instance;
  }

  #holds({ holder, untilMs }: TelemetryPlace): boolean {
    return holder === this.#options.instance && untilMs > Date.now();
  }

  #change(change: (place: TelemetryPlace) => TelemetryPlace): Promise<TelemetryPlace> {
    return this.#options.database.inSystem('configure', async ({ em }) => {
      const settings = new SettingsRepository(em);
      const stored = await settings.change('telemetry', (before) => storedPlace(change(parseTelemetryPlace(before))));
      return parseTelemetryPlace(stored);
    });
  }
}

/** The first traces, as many as are not too much at once: one at least. */
function batchOf(traces: readonly EndedTrace[]): readonly EndedTrace[] {
  let events = 0;
  return traces.filter((trace, index) => {
    events += trace.events;
    return index === 0 || events <= MOST_EVENTS;
  });
}
