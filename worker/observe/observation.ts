import type { Client } from '@temporalio/client';
import type { Worker } from '@temporalio/worker';
import pTimeout from 'p-timeout';
import type { Log } from '../../activities/dependencies.ts';
import type { InvocationWatch } from '../../capabilities/invocation.ts';
import type { Database } from '../../database/transaction.ts';
import type { Dispatcher } from '../../dispatcher/dispatcher.ts';
import type { LoopPulse } from '../../domain/agents/liveness-stalls.ts';
import { isOwnStall, type Stall } from '../../domain/agents/liveness-stalls.ts';
import type { Json } from '../../domain/json.ts';
import { GaugeRepository, type InstallationGauges } from '../../entities/system/gauge-repository.ts';
import type { RedisConnections } from '../../redis/open-redis.ts';
import { Probe, type ProbeResult } from './health-probe.ts';
import { type HealthAnswer, HealthServer } from './health-server.ts';
import { Metrics } from './metrics.ts';
import { Progress } from './progress.ts';
import { Watch } from './stall-watch.ts';
import { asCaller } from './stray-errors.ts';
import { UnhostedTasks } from './unhosted.ts';

export interface ObservationOptions {
  readonly database: Database;
  readonly redis: RedisConnections;
  readonly client: Client;
  readonly namespace: string;
  readonly taskQueue: string;
  readonly log: Log;
}

/** The parts of a running worker that are observed. */
export interface ObservedParts {
  /** All loops of the process. */
  readonly loops: readonly { readonly pulse: LoopPulse }[];
  readonly dispatcher: Pick<Dispatcher, 'load'>;
  readonly worker: Pick<Worker, 'getStatus'>;
  /** Whether PostgreSQL has a task that this worker could take. */
  readonly hasWork: () => Promise<boolean>;
  readonly limiter: { readonly counters: object };
}

/** When a probe of Temporal without an answer ends. */
const TEMPORAL_PROBE_MS = 1_000;
/** How long a probe's key lives in Redis, in milliseconds. */
const PROBE_KEPT_MS = 10_000;
/** How long figures of the installation count: several gauges of one request share one statement. */
const FIGURES_FRESH_MS = 1_000;
const FIGURES_DEADLINE_MS = 1_000;
/** Temporal's number of the kind of task queue that hands out workflow tasks. */
const WORKFLOW_TASK_QUEUE = 1;

/**
 * Shows the state of this worker: progress, stalls, health and metrics. Modes: it *counts* from the beginning,
 * *observes* after `observe`, and stops with `close`. Before `observe` the worker is alive and not ready.
 */
export class Observation {
  readonly progress: Progress;
  readonly metrics: Metrics;
  readonly #options: ObservationOptions;
  readonly #probes: Readonly<Record<'postgresql' | 'redis' | 'temporal', Probe>>;
  readonly #unhosted: UnhostedTasks;
  #parts: ObservedParts | null = null;
  #watch: Watch | null = null;
  #server: HealthServer | null = null;
  #figures: { readonly reading: Promise<InstallationGauges | null>; readonly at: number } | null = null;
  #redisWasUnavailable = false;

  constructor(options: ObservationOptions) {
    this.#options = options;
    this.#probes = probesOf(options);
    this.#unhosted = new UnhostedTasks(options);
    this.metrics = new Metrics({
      pool: () => options.database.pool(),
      eventLoopLagMs: () => this.#watch?.eventLoopLagMs ?? 0,
      runningNodes: () => this.progress.runningNodes,
      claimed: () => this.#parts?.dispatcher.load.claimed ?? 0,
      stalls: () => this.#stalls(),
      redisIsUnavailable: () => this.#redisWasUnavailable,
      limiter: () => ({ ...this.#parts?.limiter.counters }),
      installation: () => this.#installation(),
    });
    this.progress = new Progress({
      repeats: ({ agent, conversation, period }) => {
        options.log.warn({ agent, conversation, period }, 'an agent repeats itself');
        this.metrics.repeats(agent);
      },
      ended: (ending) => this.metrics.nodeEnded(ending),
    });
  }

  /** Watches the code of handlers; errors that it leaves behind are attributed to it. */
  get watch(): InvocationWatch {
    const { progress } = this;
    const { log } = this.#options;
    return {
      call: (invocation, given, code) => progress.call(invocation, given, () => asCaller(invocation, log, code)),
      asked: (invocation, action) => progress.asked(invocation, action),
    };
  }

  /** Starts to observe a running worker. */
  observe(parts: ObservedParts): void {
    this.#parts = parts;
    this.#watch = new Watch({
      loops: () => parts.loops.map(({ pulse }) => pulse),
      load: () => parts.dispatcher.load,
      temporal: () => statesOf(parts.worker),
      repeating: () => this.progress.repeating(),
      hasWork: parts.hasWork,
      log: this.#options.log,
    });
    this.#watch.start();
  }

  /**
   * Answers about health and figures.
   * @param port 0 for a free one
   * @returns the port that it is
   * @throws HealthPortUnusable
   */
  async serve(port: number): Promise<number> {
    this.#server = await HealthServer.open({
      port,
      live: () => this.#live(),
      ready: () => this.#ready(),
      metrics: () => this.#metricsText(),
    });
    return this.#server.port;
  }

  async close(): Promise<void> {
    await this.#server?.close();
    this.#parts = null;
    await this.#watch?.stop();
  }

  #stalls(): readonly Stall[] {
    return this.#watch?.stalls() ?? [];
  }

  #live(): HealthAnswer {
    const stalls = this.#stalls().filter(isOwnStall);
    return {
      ok: stalls.length === 0,
      body: { status: stalls.length === 0 ? 'alive' : 'stuck', stalls: textOf(stalls) },
    };
  }

  async #ready(): Promise<HealthAnswer> {
    const [postgresql, redis, temporal] = await Promise.all([
      this.#probes.postgresql.ask(),
      this.#askRedis(),
      this.#probes.temporal.ask(),
    ]);
    const stalls = this.#stalls();
    const unhosted = postgresql.ok ? await this.#unhosted.read() : [];
    const ok = this.#parts !== null && postgresql.ok && temporal.ok && stalls.length === 0;
    const services = { postgresql: bodyOf(postgresql), redis: bodyOf(redis), temporal: bodyOf(temporal) };
    return { ok, body: { status: statusOf(ok, redis.ok), services, stalls: textOf(stalls), unhosted } };
  }

  async #askRedis(): Promise<ProbeResult> {
    const answer = await this.#probes.redis.ask();
    this.#redisWasUnavailable = !answer.ok;
    return answer;
  }

  async #metricsText(): Promise<{ body: string; mediaType: string }> {
    await this.#askRedis();
    return this.metrics.text();
  }

  #installation(): Promise<InstallationGauges | null> {
    if (this.#figures !== null && performance.now() - this.#figures.at < FIGURES_FRESH_MS) return this.#figures.reading;
    const asked = this.#options.database.single
      .inSystem('inspect', ({ em }) => new GaugeRepository(em).read())
      .catch(() => null);
    const reading = pTimeout(asked, { milliseconds: FIGURES_DEADLINE_MS, fallback: () => null });
    this.#figures = { reading, at: performance.now() };
    return reading;
  }
}

function probesOf({ database, redis, client, namespace, taskQueue }: ObservationOptions) {
  return {
    postgresql: new Probe(() => database.ping()),
    // A write, because a Redis without free memory still answers reads.
    redis: new Probe(() => redis.ask((commands) => commands.set(redis.keys.probe(), taskQueue, 'PX', PROBE_KEPT_MS))),
    temporal: new Probe(() =>
      client.withDeadline(Date.now() + TEMPORAL_PROBE_MS, () =>
        client.workflowService.describeTaskQueue({
          namespace,
          taskQueue: { name: taskQueue },
          taskQueueType: WORKFLOW_TASK_QUEUE,
        }),
      ),
    ),
  };
}

function statesOf(worker: Pick<Worker, 'getStatus'>) {
  const { runState, workflowPollerState, activityPollerState } = worker.getStatus();
  return { run: runState, workflows: workflowPollerState, activities: activityPollerState };
}

/** Without Redis work continues, only slower. */
function statusOf(ok: boolean, redisOk: boolean): string {
  if (!ok) return 'not_ready';
  return redisOk ? 'ready' : 'degraded';
}

function textOf(stalls: readonly Stall[]): Json {
  return stalls.map(({ kind, detail }) => ({ kind, detail }));
}

function bodyOf({ ok, ms, reason }: ProbeResult): Json {
  return { ok, ms, reason };
}
