import { Redis } from 'ioredis';
import type { QueryResultRow } from 'pg';
import { openDatabase } from '../../database/open-orm.ts';
import type { Database } from '../../database/transaction.ts';
import type { TaskId, TraceId } from '../../domain/ids.ts';
import type { ExecutionRef } from '../../domain/tasks/execution.ts';
import { governedTool } from '../../domain/tools/governed-tool.ts';
import { ENTITIES } from '../../entities/index.ts';
import { type Authorised, authorise, type CallAsk } from '../../operations/approvals/authorise.ts';
import { recording } from '../../operations/record/recording.ts';
import { graphRow, insertTenant, sampleIds, taskRow } from '../database/sample-rows.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { behindTheBack } from '../system/acceptance/database.ts';

const TENANT = 'default';
export const refund = governedTool({ name: 'refund', risk: 'external_write' });

/** What an event tells of a decision. */
interface Decided {
  readonly verdict: string;
  readonly reason: string;
  readonly policyVersion: number;
  readonly grantId: string | null;
}

/** Authorises calls of agents on a database of its own, as a worker does, and decides on them, as people do. */
export class ApprovalsBed {
  readonly muster: MusterUnderTest;
  readonly #database: Database;

  private constructor(muster: MusterUnderTest) {
    this.muster = muster;
    this.#database = openDatabase({ url: muster.databaseUrl, applicationName: 'approvals test', poolSize: 4 });
  }

  static async open(title: string): Promise<ApprovalsBed> {
    return new ApprovalsBed(await openMuster(title));
  }

  async close(): Promise<void> {
    await this.#database.close();
    await this.muster.close();
  }

  /** A task whose first trace is running. */
  async task(): Promise<ExecutionRef> {
    const ids = sampleIds(TENANT);
    const { taskId, traceId, graphId, tenantId: tenant } = ids;
    await this.#database.inTenant(TENANT, async (tx) => {
      await insertTenant(tx, TENANT);
      graphRow(tx, ids);
      await tx.em.flush();
      taskRow(tx, ids);
      await tx.em.flush();
      const workflowId = `task/${taskId}/1`;
      tx.em.create(ENTITIES.AgentTrace, { id: traceId, tenantId: tenant, taskId, number: 1, graphId, workflowId });
      await tx.em.flush();
    });
    return { tenant, taskId, traceId, traceNumber: 1, graphId, user: null, fence: 0 };
  }

  /** Asks whether the agent `triage` may call `refund`, as the first call of its first step, unless it says otherwise. */
  ask(execution: ExecutionRef, more: Partial<CallAsk> = {}): Promise<Authorised> {
    const ask: CallAsk = {
      ...{ execution, path: 'triage', step: 1, index: 0, agent: 'triage', onBehalfOf: [], tool: refund },
      inputSchema: null,
      ...{ arguments: { order: 'A-17', amount: 20 }, ...more },
    };
    const log = {
      error: (_facts: unknown, message: string) => {
        throw new Error(message);
      },
    };
    return recording({ units: this.#database, log }, TENANT, (unit) => authorise(unit, ask));
  }

  /** The same, for a call that waits. @returns the approval's id */
  async asked(execution: ExecutionRef, more: Partial<CallAsk> = {}): Promise<string> {
    const authorised = await this.ask(execution, more);
    if (authorised.verdict === 'waits') return authorised.approvalId;
    throw new Error(`expected a call that waits, found: ${authorised.reason}`);
  }

  async allow(more: { agent?: string; tool?: string; [limit: string]: unknown } = {}): Promise<string> {
    const { grant } = await this.muster.client.call('grants.allow', { agent: 'triage', tool: 'refund', ...more });
    return grant.id;
  }

  setPolicy(policy: object | null) {
    return this.muster.client.call('grants.setPolicy', { policy: policy as never });
  }

  approve(id: string, edited: { arguments?: unknown } = {}) {
    return this.muster.client.call('approvals.decide', { id, verdict: 'approve', ...(edited as object) });
  }

  reject(id: string, reason: string) {
    return this.muster.client.call('approvals.decide', { id, verdict: 'reject', reason });
  }

  /** The decisions that a trace's events tell, in their order. */
  async decisions(traceId: TraceId): Promise<Decided[]> {
    const rows = await this.query<{ data: Decided }>(
      `select data from muster.trace_events where trace_id = '${traceId}' and type = 'tool.decided' order by seq`,
    );
    return rows.map(({ data }) => data);
  }

  /** Ends a task behind everybody's back. */
  async end(taskId: TaskId): Promise<void> {
    await this.query(`update muster.agent_traces set status = 'cancelled', finished_at = now()
      where task_id = '${taskId}'`);
  }

  /** Forgets every grant and the policy. */
  async forget(): Promise<void> {
    await this.query('delete from muster.grants; delete from muster.tool_policies');
  }

  /** Empties Redis. */
  async flushRedis(): Promise<void> {
    const redis = new Redis(this.muster.stack.redisUrl);
    await redis.flushall();
    await redis.quit();
  }

  query<Row extends QueryResultRow>(text: string): Promise<Row[]> {
    return behindTheBack<Row>(this.muster, text);
  }
}
