import { raw } from '@mikro-orm/core';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { newId } from '../../database/new-id.ts';
import type { ArtifactId, GraphId, TaskId, TenantId } from '../../domain/ids.ts';
import { isJsonObject } from '../../domain/json.ts';
import { Artifact } from '../../entities/tasks/artifact.ts';
import { Task } from '../../entities/tasks/task.ts';
import { ImportedRows } from '../record/imported-rows.ts';
import type { Line, LineOf } from './trace-file.ts';

/** What is known before a checked file is written. */
export interface FileOwner {
  readonly tenant: TenantId;
  readonly taskQueue: string;
  readonly digest: string;
  /** The number of its last trace. */
  readonly traces: number;
  /** By the hashes of the file. */
  readonly graphs: ReadonlyMap<string, { readonly id: GraphId; readonly name: string }>;
}

/** Rows of one kind are written together. */
const BATCH = 200;

type Row = Extract<Line, { readonly is: 'run' | 'event' | 'model' | 'tool' }>;

/** Writes the lines of a checked file as rows, in one transaction. */
export class FileWriter {
  readonly taskId = newId<TaskId>();
  readonly #em: SqlEntityManager;
  readonly #owner: FileOwner;
  readonly #artifacts = new Map<string, ArtifactId>();
  #task: LineOf<'task'> | null = null;
  #open: { readonly artifact: LineOf<'artifact'>; readonly bytes: Buffer[] } | null = null;
  #rows: Row[] = [];
  #trace: ImportedRows | null = null;

  constructor(em: SqlEntityManager, owner: FileOwner) {
    this.#em = em;
    this.#owner = owner;
  }

  async take(line: Exclude<Line, { is: 'end' }>): Promise<void> {
    switch (line.is) {
      case 'head':
      case 'graph':
        return;
      case 'task':
        return this.#insertTask(line);
      case 'artifact':
        await this.#storeArtifact();
        this.#open = { artifact: line, bytes: [] };
        return;
      case 'bytes':
        this.#open?.bytes.push(Buffer.from(line.content, 'base64'));
        return;
      case 'trace':
        return this.#openTrace(line);
      default:
        if (this.#rows[0]?.is !== line.is || this.#rows.length >= BATCH) await this.#flush();
        this.#rows.push(line);
    }
  }

  async finish(): Promise<void> {
    await this.#closeTrace();
  }

  /** Ended, so nobody starts it; and without user, key or conversation, which mean something elsewhere. */
  async #insertTask(line: LineOf<'task'>): Promise<void> {
    const { id: original, title, status, graph, input, output, error, createdAt, startedAt, finishedAt } = line;
    const { tenant: tenantId, taskQueue, digest: importedFrom, traces: traceCount, graphs } = this.#owner;
    const of = graphs.get(graph);
    this.#task = line;
    await this.#em.insert(Task, {
      ...{ id: this.taskId, tenantId, taskQueue, importedFrom, traceCount, title, status, error, output },
      ...{ graphId: of?.id ?? newId<GraphId>(), graphName: of?.name ?? '', requestHash: '' },
      ...{ input: isJsonObject(input) ? input : null, metadata: { importedTask: original } },
      ...{ createdAt, startedAt, completedAt: finishedAt ?? createdAt, importedAt: raw<Date>('now()') },
    });
  }

  async #storeArtifact(): Promise<void> {
    if (this.#open === null) return;
    const { artifact, bytes } = this.#open;
    this.#open = null;
    const { id, name, mediaType, sha256, bytes: sizeBytes } = artifact;
    const own = newId<ArtifactId>();
    const { tenant: tenantId } = this.#owner;
    const content = Buffer.concat(bytes);
    await this.#em.insert(Artifact, {
      ...{ id: own, tenantId, taskId: this.taskId, name, mediaType, sha256, sizeBytes, content },
    });
    this.#artifacts.set(id, own);
    const { inputArtifact, artifact: output } = this.#task ?? {};
    if (id === inputArtifact) await this.#em.nativeUpdate(Task, { id: this.taskId }, { inputArtifactId: own });
    if (id === output) await this.#em.nativeUpdate(Task, { id: this.taskId }, { outputArtifactId: own });
  }

  async #openTrace(trace: LineOf<'trace'>): Promise<void> {
    await this.#storeArtifact();
    await this.#closeTrace();
    const graphId = this.#owner.graphs.get(trace.graph)?.id ?? newId<GraphId>();
    const task = { tenant: this.#owner.tenant, taskId: this.taskId, artifacts: this.#artifacts };
    this.#trace = await ImportedRows.open(this.#em, task, { trace, graphId });
  }

  async #closeTrace(): Promise<void> {
    await this.#flush();
    await this.#trace?.close();
  }

  async #flush(): Promise<void> {
    const [rows, trace] = [this.#rows, this.#trace];
    this.#rows = [];
    if (trace === null || rows.length === 0) return;
    await trace.runs(rows.filter((row) => row.is === 'run'));
    await trace.events(rows.filter((row) => row.is === 'event'));
    await trace.models(rows.filter((row) => row.is === 'model'));
    await trace.tools(rows.filter((row) => row.is === 'tool'));
  }
}
