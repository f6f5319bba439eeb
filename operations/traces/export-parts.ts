import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { GraphMissing } from '../../database/database-errors.ts';
import { storedForm } from '../../domain/graphs/stored-form.ts';
import type { GraphId } from '../../domain/ids.ts';
import { isJsonObject, type Json } from '../../domain/json.ts';
import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import { tables } from '../../entities/tables.ts';
import type { TaskRecord } from '../../entities/tasks/task-record.ts';
import type { StoredValue } from '../../entities/traces/artifact-repository.ts';
import { type TraceRecord, TraceRepository } from '../../entities/traces/trace-repository.ts';
import { FORMAT, FORMAT_VERSION, type LineKind, type WrittenLine } from './trace-file.ts';

/** What is exported. */
export interface Exported {
  readonly task: TaskRecord;
  readonly traces: readonly TraceRecord[];
  /** Whether inputs, outputs, and what models and tools said are in it. */
  readonly contents: boolean;
}

/** Which rows of a part. */
interface Page {
  readonly offset: number;
  readonly size: number;
}

/** What a part is read of. */
interface Source extends Exported {
  /** Null for what is before all traces. */
  readonly trace: TraceRecord | null;
}

/** Rows of one kind, some at a time. */
export interface Part {
  readonly of: LineKind;
  /** How many rows of this kind one page has. */
  readonly size: number;
  read(em: SqlEntityManager, source: Source, page: Page): Promise<readonly WrittenLine[]>;
}

/** What is before the traces. Artifacts come one at a time, because each may be large. */
export const HEAD_PARTS: readonly Part[] = [
  { of: 'head', size: 2, read: readHead },
  { of: 'artifact', size: 1, read: readArtifact },
];

/** What a trace consists of. */
export const TRACE_PARTS: readonly Part[] = [
  { of: 'trace', size: 2, read: readTrace },
  { of: 'run', size: 500, read: readRuns },
  { of: 'event', size: 2_000, read: readEvents },
  { of: 'model', size: 100, read: readModels },
  { of: 'tool', size: 200, read: readTools },
];

async function readHead(em: SqlEntityManager, { task, traces, contents }: Source): Promise<readonly WrittenLine[]> {
  const hashes = new Map<GraphId, string>();
  const graphs: WrittenLine[] = [];
  for (const id of new Set([task.graphId, ...traces.map(({ graphId }) => graphId)])) {
    const graph = await new GraphRepository(em).load(id);
    if (graph === null) throw new GraphMissing(id);
    hashes.set(id, graph.definitionHash);
    graphs.push({ is: 'graph', hash: graph.definitionHash, definition: storedForm(graph.definition) });
  }
  const { id, title, status, createdAt, startedAt, completedAt: finishedAt } = task;
  const input = contents ? storedAt(task.input) : NO_VALUE;
  return [
    { is: 'head', format: FORMAT, version: FORMAT_VERSION, contents, traces: traces.length },
    ...graphs,
    {
      ...{ is: 'task', id, title: contents ? title : task.graph, status, graph: hashes.get(task.graphId) },
      ...{ input: input.output, inputArtifact: input.artifact, ...(contents ? storedAt(task.output) : NO_VALUE) },
      ...{ error: errorOf(task.error, contents), createdAt, startedAt, finishedAt },
    },
  ];
}

/** Of base64, so that three bytes stay together. Characters. */
const BYTES_A_LINE = 3_000_000;

async function readArtifact(em: SqlEntityManager, { task, contents }: Source, { offset }: Page) {
  if (!contents) return [];
  const artifact = await tables(em)
    .selectFrom('artifacts')
    .select(['id', 'name', 'mediaType', 'sha256', 'sizeBytes', 'content'])
    .where('taskId', '=', task.id)
    .orderBy('id')
    .offset(offset)
    .limit(1)
    .executeTakeFirst();
  if (artifact === undefined) return [];
  const { id, name, mediaType, sha256, sizeBytes: bytes, content } = artifact;
  const lines: WrittenLine[] = [{ is: 'artifact', id, name, mediaType, sha256, bytes }];
  for (let from = 0; from < content.length; from += BYTES_A_LINE) {
    const chunk = Buffer.from(content.subarray(from, from + BYTES_A_LINE));
    lines.push({ is: 'bytes', content: chunk.toString('base64') });
  }
  return lines;
}

async function readTrace(em: SqlEntityManager, { trace, contents }: Source): Promise<readonly WrittenLine[]> {
  const { id, graphId, number, status, error, createdAt, finishedAt } = ofTrace(trace);
  const [row, graph] = await Promise.all([
    tables(em).selectFrom('agent_traces').select('replyText').where('id', '=', id).executeTakeFirst(),
    tables(em).selectFrom('agent_graphs').select('definitionHash').where('id', '=', graphId).executeTakeFirstOrThrow(),
  ]);
  const reply = contents ? (row?.replyText ?? '') : '';
  const head = { is: 'trace' as const, number, graph: graph.definitionHash, status };
  return [{ ...head, error: errorOf(error, contents), reply, createdAt, finishedAt }];
}

async function readRuns(em: SqlEntityManager, { trace, contents }: Source, { offset, size }: Page) {
  const rows = await tables(em)
    .selectFrom('agent_runs')
    .select(['nodeId as path', 'agent', 'kind', 'status', 'attempts', 'failures', 'crashes', 'outcome'])
    .select(['output', 'outputArtifactId', 'outputOf', 'errorCode', 'errorText', 'startedAt', 'finishedAt'])
    .where('traceId', '=', ofTrace(trace).id)
    .orderBy('nodeId')
    .offset(offset)
    .limit(size)
    .execute();
  return rows.map(({ output, outputArtifactId: artifact, outputOf, errorText, ...run }) => ({
    ...{ is: 'run' as const, ...run },
    ...(contents ? { output, artifact, outputOf, errorText } : { ...NO_VALUE, outputOf: null, errorText: null }),
  }));
}

async function readEvents(em: SqlEntityManager, { trace, contents }: Source, { offset, size }: Page) {
  const events = await new TraceRepository(em).events(ofTrace(trace).id, offset, size);
  return events.map(({ type, nodeId: path, data, at }) => ({
    ...{ is: 'event' as const, type, path, at },
    data: contents ? data : stepOf(data),
  }));
}

/** Which step an event is about says nothing of what was in it. */
function stepOf(data: Json): Json {
  return isJsonObject(data) && typeof data.step === 'number' ? { step: data.step } : null;
}

async function readModels(em: SqlEntityManager, { trace, contents }: Source, { offset, size }: Page) {
  const rows = await tables(em)
    .selectFrom('model_calls')
    .select(['path', 'step', 'agent', 'model', 'provider', 'state', 'requestHash', 'attempts', 'failures'])
    .select(['answer', 'fault', 'error', 'inputTokens', 'cachedTokens', 'outputTokens', 'reasoningTokens'])
    .select(['costMicros', 'startedAt', 'finishedAt'])
    .where('traceId', '=', ofTrace(trace).id)
    .orderBy('path')
    .orderBy('step')
    .offset(offset)
    .limit(size)
    .execute();
  return rows.map(({ costMicros, ...call }) => ({
    ...{ is: 'model' as const, ...call, costMicros: Number(costMicros) },
    ...(contents ? {} : { answer: null, fault: null, error: null }),
  }));
}

async function readTools(em: SqlEntityManager, { trace, contents }: Source, { offset, size }: Page) {
  const rows = await tables(em)
    .selectFrom('tool_calls')
    .select(['path', 'step', 'index', 'agent', 'tool', 'callId', 'arguments', 'digest', 'state', 'attempts'])
    .select(['decision', 'result', 'startedAt', 'finishedAt'])
    .where('traceId', '=', ofTrace(trace).id)
    .orderBy('path')
    .orderBy('step')
    .orderBy('index')
    .offset(offset)
    .limit(size)
    .execute();
  return rows.map((call) => ({
    ...{ is: 'tool' as const, ...call },
    ...(contents ? {} : { arguments: null, decision: null, result: null }),
  }));
}

const NO_VALUE = { output: null, artifact: null };

function storedAt({ json, artifactId: artifact }: StoredValue) {
  return { output: json === null ? null : (JSON.parse(json) as Json), artifact };
}

/** A message may hold a part of what failed. */
function errorOf(error: TraceRecord['error'], contents: boolean) {
  return error === null || contents ? error : { ...error, message: error.code };
}

function ofTrace(trace: TraceRecord | null): TraceRecord {
  if (trace === null) throw new Error('This part belongs to a trace.');
  return trace;
}
