import { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { PoolState } from '../../database/unit-pool.ts';
import { AGENT_STATUSES } from '../../domain/agents/agent-status.ts';
import { STALL_KINDS, type Stall } from '../../domain/agents/liveness-stalls.ts';
import type { InstallationGauges } from '../../entities/system/gauge-repository.ts';
import type { MessageCount } from '../../messaging/delivery-outcomes.ts';
import type { NodeEnding } from './progress.ts';

/** The sources that are read for each request of the metrics. */
export interface MetricSources {
  readonly pool: () => PoolState;
  readonly eventLoopLagMs: () => number;
  readonly runningNodes: () => number;
  readonly claimed: () => number;
  readonly stalls: () => readonly Stall[];
  readonly redisIsUnavailable: () => boolean;
  /** The decisions of the rate limiter since the start, including those without Redis. */
  readonly limiter: () => Readonly<Record<string, number>>;
  /** Null while PostgreSQL does not answer. */
  readonly installation: () => Promise<InstallationGauges | null>;
}

/** Upper bounds in seconds: quick nodes end within milliseconds, the longest take minutes. */
const DURATION_BUCKETS = [0.005, 0.025, 0.1, 0.5, 1, 5, 15, 60, 300];

/**
 * The figures of one worker process for Prometheus, in a registry of their own. Those of the installation are read from
 * PostgreSQL for each request and left out while it does not answer: an old figure would look like a new one.
 */
export class Metrics {
  readonly #registry = new Registry();
  readonly #sources: MetricSources;
  readonly #tasksEnded: Counter<'status'>;
  readonly #nodeSeconds: Histogram<'agent' | 'outcome'>;
  readonly #repetitions: Counter<'agent'>;
  readonly #messages: Counter<'outcome'>;
  readonly #gaps: Counter;

  constructor(sources: MetricSources) {
    this.#sources = sources;
    this.#tasksEnded = this.#counter('tasks_ended_total', 'Tasks whose end this process wrote', ['status']);
    this.#messages = this.#counter('messages_total', 'Deliveries of messages by what became of them', ['outcome']);
    this.#repetitions = this.#counter('agent_repetitions_total', 'Agents found repeating themselves', ['agent']);
    this.#gaps = this.#counter('trace_gaps_total', 'Traces found to disagree with their histories', []);
    this.#nodeSeconds = new Histogram({
      name: 'muster_node_duration_seconds',
      help: 'How long calls of handlers took',
      labelNames: ['agent', 'outcome'],
      buckets: DURATION_BUCKETS,
      registers: [this.#registry],
    });
    this.#addOwnGauges();
    this.#addInstallationGauges();
  }

  /** A task has ended, as this process wrote or found it. */
  taskEnded(status: string): void {
    this.#tasksEnded.inc({ status });
  }

  nodeEnded({ agent, outcome, durationMs }: NodeEnding): void {
    this.#nodeSeconds.observe({ agent, outcome }, durationMs / 1_000);
  }

  /** A message was processed, will be delivered again, is dead or was refused. */
  messageEnded(outcome: MessageCount): void {
    this.#messages.inc({ outcome });
  }

  gapsFound(traces: number): void {
    this.#gaps.inc(traces);
  }

  repeats(agent: string): void {
    this.#repetitions.inc({ agent });
  }

  /** All figures as text, and the media type of that text. */
  async text(): Promise<{ readonly body: string; readonly mediaType: string }> {
    return { body: await this.#registry.metrics(), mediaType: this.#registry.contentType };
  }

  #counter<Label extends string>(name: string, help: string, labelNames: Label[]): Counter<Label> {
    return new Counter({ name: `muster_${name}`, help, labelNames, registers: [this.#registry] });
  }

  #addOwnGauges(): void {
    const sources = this.#sources;
    this.#gauge('event_loop_lag_seconds', 'Longest wait of a timer in the last 10 to 20 s', () => {
      return sources.eventLoopLagMs() / 1_000;
    });
    this.#gauge('nodes_running', 'Handlers that run in this process', sources.runningNodes);
    this.#gauge('tasks_claimed', 'Tasks that this process has claimed since its start', sources.claimed);
    this.#gauge('redis_unavailable', '1 while Redis does not answer this process', () =>
      Number(sources.redisIsUnavailable()),
    );
    this.#gauges({ name: 'limiter', help: 'What the rate limiter has done', label: 'count' }, sources.limiter);
    this.#gauges({ name: 'pool_connections', help: 'Connections; stranded must be 0', label: 'state' }, () => {
      const { total, idle, inTransaction, stranded } = sources.pool();
      return { total, idle, open: inTransaction, stranded };
    });
    this.#gauges({ name: 'stalled', help: '1 for each reason why this process is stuck', label: 'kind' }, () => {
      const kinds = new Set(sources.stalls().map(({ kind }) => kind));
      return Object.fromEntries(STALL_KINDS.map((kind) => [kind, Number(kinds.has(kind))]));
    });
  }

  #addInstallationGauges(): void {
    const read = this.#sources.installation;
    this.#gauges({ name: 'tasks_waiting', help: 'Tasks that wait in a band', label: 'band' }, async () => {
      return (await read())?.waiting ?? {};
    });
    this.#gauges({ name: 'agents', help: 'Agents in a status', label: 'status' }, async () => {
      const counts = (await read())?.agents;
      return counts === undefined ? {} : Object.fromEntries(AGENT_STATUSES.map((name) => [name, counts[name] ?? 0]));
    });
    const figures = {
      agents_suspect: ['Agents silent for 30 to 45 s', 'suspects'],
      agents_alerted: ['Agents gone for more than 2 minutes', 'alerted'],
      heartbeat_age_seconds: ['Age of the oldest heartbeat of an agent that counts as alive', 'oldestHeartbeatSeconds'],
      outbox_unsent_age_seconds: ['Age of the oldest outbox row that was not sent', 'outboxAgeSeconds'],
      messages_waiting: ['Messages that were not handled yet', 'messagesWaiting'],
    } as const;
    for (const [name, [help, key]] of Object.entries(figures)) {
      this.#gauge(name, help, async () => (await read())?.[key] ?? null);
    }
  }

  /** A figure without labels; null leaves it out. */
  #gauge(name: string, help: string, read: () => number | null | Promise<number | null>): void {
    this.#gauges({ name, help, label: null }, async () => {
      const value = await read();
      return value === null ? {} : { '': value };
    });
  }

  /** One figure for each value of a label. */
  #gauges(
    { name, help, label }: { readonly name: string; readonly help: string; readonly label: string | null },
    read: () => Readonly<Record<string, number>> | Promise<Readonly<Record<string, number>>>,
  ): void {
    new Gauge({
      name: `muster_${name}`,
      help,
      labelNames: label === null ? [] : [label],
      registers: [this.#registry],
      async collect() {
        this.reset();
        // A gauge that was reset and has no labels reads 0, which would be a figure.
        if (label === null) this.remove({});
        for (const [key, value] of Object.entries(await read()))
          this.set(label === null ? {} : { [label]: key }, value);
      },
    });
  }
}
