import type { Client } from '@temporalio/client';
import { Relay, type RelayOptions } from '../../dispatcher/relay.ts';
import { Sweeper } from '../../dispatcher/sweeper.ts';
import type { TaskId } from '../../domain/ids.ts';
import { GraphCache } from '../../operations/graphs/graph-cache.ts';
import { Consequences } from '../../operations/tasks/consequences.ts';
import { JobQueue } from '../../redis/job-queue.ts';
import type { RedisConnections } from '../../redis/open-redis.ts';
import { WakeUps } from '../../redis/wake-ups.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { openTestRedis } from '../redis/redis-under-test.ts';
import { ClaimBed, TASK_QUEUE } from './claim-bed.ts';

const LOG = { warn: () => undefined };
/** A Temporal that knows no workflow and answers nothing else. */
const NO_TEMPORAL = {
  withDeadline: (_: unknown, ask: () => Promise<unknown>) => ask(),
  workflow: { getHandle: () => ({ cancel: () => Promise.reject(new Error('Temporal is unavailable')) }) },
} as unknown as Client;

/** Tasks in a database of their own, with the loops that look after their times. Every loop ends with the bed. */
export class ScheduleBed {
  readonly tasks: ClaimBed;
  readonly redis: RedisConnections;
  readonly queue: JobQueue;
  readonly consequences: Consequences;
  readonly #wakeUps: WakeUps;
  readonly #loops: { stop(): Promise<void> }[] = [];

  private constructor(tasks: ClaimBed, redis: RedisConnections) {
    this.tasks = tasks;
    this.redis = redis;
    this.queue = new JobQueue(redis, { taskQueue: TASK_QUEUE });
    this.#wakeUps = new WakeUps(redis, { taskQueue: TASK_QUEUE });
    this.consequences = new Consequences(this.#parts);
  }

  static async open(title: string): Promise<ScheduleBed> {
    const [tasks, redis] = await Promise.all([ClaimBed.open(title, 10), openTestRedis()]);
    return new ScheduleBed(tasks, redis);
  }

  get #parts() {
    const tellWait = async () => undefined;
    return { database: this.tasks.database, queueFor: () => this.queue, wakeUps: this.#wakeUps, tellWait };
  }

  startRelay(options: Partial<RelayOptions> = {}): Relay {
    const relay = new Relay({
      ...{ ...this.#parts, client: NO_TEMPORAL, consequences: this.consequences, log: LOG },
      ...options,
    });
    relay.start();
    this.#loops.push(relay);
    return relay;
  }

  startSweeper(): void {
    const sweeper = new Sweeper({
      ...this.#parts,
      graphs: new GraphCache(this.tasks.database),
      consequences: this.consequences,
      log: LOG,
    });
    sweeper.start();
    this.#loops.push(sweeper);
  }

  async stopLoops(): Promise<void> {
    await Promise.all(this.#loops.splice(0).map((loop) => loop.stop()));
  }

  async close(): Promise<void> {
    await this.stopLoops();
    await this.redis.close();
    await this.tasks.close();
  }

  /** Rows as a superuser sees them. */
  query<Row>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return withPostgresql(this.tasks.clone.superuserUrl, async (client) => {
      const { rows } = await client.query(text, [...values]);
      return rows as Row[];
    });
  }

  /** Sets columns of tasks behind the product's back. */
  async set(ids: readonly TaskId[], assignments: string): Promise<void> {
    await this.tasks.asSuperuser(`update muster.tasks set ${assignments} where id in (${quoted(ids)})`);
  }

  async dependOn(task: TaskId, others: readonly TaskId[]): Promise<void> {
    await this.tasks.asSuperuser(`insert into muster.task_dependencies (task_id, depends_on_task_id, tenant_id)
      select '${task}', o.id, o.tenant_id from muster.tasks o where o.id in (${quoted(others)})`);
  }

  /** Makes the outbox row of a submit for these tasks, old enough for the relay. */
  async announceSubmit(ids: readonly TaskId[]): Promise<void> {
    await this.tasks.asSuperuser(`insert into muster.outbox (tenant_id, topic, payload, created_at)
      values ('default', 'task.submitted', '${JSON.stringify({ taskIds: ids })}', now() - interval '1 minute')`);
  }

  /** Makes all outbox rows old enough for the relay. */
  async ageOutbox(): Promise<void> {
    await this.tasks.asSuperuser(`update muster.outbox set created_at = created_at - interval '1 minute'`);
  }

  /** Claims a task and writes its end, and does none of what follows, as if the process died there. */
  async claimAndEnd(id: TaskId, status: 'completed' | 'failed' = 'completed'): Promise<void> {
    const [claimed] = await this.tasks.claim([id]);
    if (claimed === undefined) throw new Error(`The task ${id} could not be claimed.`);
    await this.tasks.end(claimed, status);
  }

  async statusOf(id: TaskId): Promise<string | undefined> {
    const [row] = await this.query<{ status: string }>('select status from muster.tasks where id = $1', [id]);
    return row?.status;
  }

  async unsent(): Promise<number> {
    const [row] = await this.query<{ n: number }>('select count(*)::int as n from muster.outbox where sent_at is null');
    return row?.n ?? 0;
  }
}

function quoted(ids: readonly TaskId[]): string {
  return ids.map((id) => `'${id}'`).join(', ');
}
