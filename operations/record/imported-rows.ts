import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { newId } from '../../database/new-id.ts';
import type { ArtifactId, GraphId, TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import { ModelCall } from '../../entities/thinking/model-call.ts';
import { ToolCall } from '../../entities/thinking/tool-call.ts';
import { AgentRun } from '../../entities/traces/agent-run.ts';
import { AgentTrace } from '../../entities/traces/agent-trace.ts';
import { TraceEvent } from '../../entities/traces/trace-event.ts';
import type { LineOf } from '../traces/trace-file.ts';

/** Whose rows are imported, and what the file's artifacts are called here. */
export interface ImportedTask {
  readonly tenant: TenantId;
  readonly taskId: TaskId;
  readonly artifacts: ReadonlyMap<string, ArtifactId>;
}

/** Stands for the workflows and processes that belong to another installation. */
const ELSEWHERE = 'imported';

/** Writes traces that ran elsewhere as they are in a file: rows of this installation, with ids of its own. */
export class ImportedRows {
  readonly #em: SqlEntityManager;
  readonly #task: ImportedTask;
  readonly #traceId = newId<TraceId>();
  #seq = 0;

  private constructor(em: SqlEntityManager, task: ImportedTask) {
    this.#em = em;
    this.#task = task;
  }

  /** Opens one trace of the task. */
  static async open(em: SqlEntityManager, task: ImportedTask, { trace, graphId }: OpenedTrace): Promise<ImportedRows> {
    const rows = new ImportedRows(em, task);
    const { number, status, error, reply: replyText, createdAt, finishedAt } = trace;
    await em.insert(AgentTrace, {
      ...{ id: rows.#traceId, tenantId: task.tenant, taskId: task.taskId, graphId, number, status, error, replyText },
      ...{ workflowId: `${ELSEWHERE}/${task.taskId}/${number}`, createdAt, finishedAt },
    });
    return rows;
  }

  async runs(lines: readonly LineOf<'run'>[]): Promise<void> {
    const { tenant: tenantId } = this.#task;
    const rows = lines.map(({ is: _, path: nodeId, artifact, ...run }) => ({
      ...{ id: newId(), tenantId, traceId: this.#traceId, nodeId, ...run, outputArtifactId: this.#own(artifact) },
      latencyMs: run.startedAt === null ? null : run.finishedAt.getTime() - run.startedAt.getTime(),
      createdAt: run.finishedAt,
    }));
    await this.#em.insertMany(AgentRun, rows);
  }

  async events(lines: readonly LineOf<'event'>[]): Promise<void> {
    const { tenant: tenantId } = this.#task;
    const rows = lines.map(({ is: _, path: nodeId, ...event }, index) => ({
      ...{ traceId: this.#traceId, tenantId, seq: this.#seq + index + 1, nodeId, ...event },
    }));
    this.#seq += rows.length;
    await this.#em.insertMany(TraceEvent, rows);
  }

  async models(lines: readonly LineOf<'model'>[]): Promise<void> {
    const { tenant: tenantId, taskId } = this.#task;
    const rows = lines.map(({ is: _, ...call }) => {
      return { ...{ tenantId, traceId: this.#traceId, taskId, claim: newId(), process: ELSEWHERE }, ...call };
    });
    await this.#em.insertMany(ModelCall, rows);
  }

  async tools(lines: readonly LineOf<'tool'>[]): Promise<void> {
    const { tenant: tenantId, taskId } = this.#task;
    const rows = lines.map(({ is: _, result, ...call }) => ({
      ...{ tenantId, traceId: this.#traceId, taskId, ...call },
      result: result === null ? null : this.#result(result),
    }));
    await this.#em.insertMany(ToolCall, rows);
  }

  /** Its last event is written: the next number is known. */
  async close(): Promise<void> {
    await this.#em.nativeUpdate(AgentTrace, { id: this.#traceId }, { nextSeq: this.#seq + 1 });
  }

  /** The ledger of effects stays where the effects were made. */
  #result({ text, artifactId }: NonNullable<LineOf<'tool'>['result']>) {
    const own = this.#own(artifactId ?? null);
    return own === null ? { text } : { text, artifactId: own };
  }

  #own(artifact: string | null): ArtifactId | null {
    return artifact === null ? null : (this.#task.artifacts.get(artifact) ?? null);
  }
}

interface OpenedTrace {
  readonly trace: LineOf<'trace'>;
  readonly graphId: GraphId;
}
