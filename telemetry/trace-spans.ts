import { createHash } from 'node:crypto';
import {
  type Attributes,
  type HrTime,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
} from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import type { ReadableSpan } from '@opentelemetry/sdk-trace';
import { parentOfPath } from '../domain/traces/path.ts';
import type {
  EndedModelCall,
  EndedRows,
  EndedRun,
  EndedToolCall,
  EndedTrace,
} from '../entities/traces/ended-traces-repository.ts';
import { ATTRIBUTES, OPERATIONS, SCHEMA_URL } from './conventions.ts';

/** What is particular to one span. */
interface SpanFacts {
  /** Names the span within its trace; the root has none. */
  readonly key: string;
  /** Of the span that it is in; null for the root. */
  readonly parentKey: string | null;
  readonly name: string;
  readonly kind: SpanKind;
  readonly from: Date;
  readonly to: Date;
  readonly error: string | null;
  readonly attributes: Attributes;
}

/** The key of a trace's own span. */
const ROOT = '';

/** The trace id of OpenTelemetry: the very bytes of the trace's id, whichever process tells of it, and whenever. */
export function traceIdOf(id: string): string {
  return id.replaceAll('-', '');
}

/** The id of a span: the same rows give the same, so that a collector that gets it twice keeps it once. */
export function spanIdOf(traceId: string, key: string): string {
  return createHash('sha256').update(`${traceId}/${key}`).digest('hex').slice(0, 16);
}

/**
 * The spans of an ended trace: the task's, and within it those of runs, model calls and calls of tools. Tokens and money
 * stand at the model calls alone, so their sum over all spans is that of the rows. Nothing that was said is in them.
 */
export function spansOf(trace: EndedTrace, { runs, models, tools }: EndedRows, resource: Resource): ReadableSpan[] {
  const begun = runs.filter(({ startedAt }) => startedAt !== null);
  const paths = new Set(begun.map(({ path }) => path));
  const facts = [
    taskSpan(trace),
    ...begun.map((run) => runSpan(run, trace)),
    ...models.map((call) => modelSpan(call, trace)),
    ...tools
      .filter(({ startedAt, finishedAt }) => (startedAt ?? finishedAt) !== null)
      .map((call) => toolSpan(call, trace)),
  ];
  // A run that was never written, of a stretch that was lost, leaves what is in it to the task.
  const parentOf = ({ parentKey }: SpanFacts) => (parentKey === null || paths.has(parentKey) ? parentKey : ROOT);
  const placed = facts.map((each) => ({ ...each, parentKey: parentOf(each) }));
  const ends = endsOf(placed);
  return placed.map((each) => spanOf(trace, { ...each, to: ends.get(each.key) ?? each.to }, resource));
}

/**
 * When each span ends: not before what is in it. The end of a trace is the time at which its transaction began, and what
 * was written in that is some milliseconds younger.
 */
function endsOf(facts: readonly SpanFacts[]): ReadonlyMap<string, Date> {
  const byKey = new Map(facts.map((each) => [each.key, each]));
  const ends = new Map(facts.map(({ key, to }) => [key, to]));
  for (const { to, parentKey } of facts) {
    for (let key = parentKey; key !== null; key = byKey.get(key)?.parentKey ?? null) {
      if ((ends.get(key) ?? to) < to) ends.set(key, to);
    }
  }
  return ends;
}

function taskSpan({ graph, taskId, number, status, startedAt, finishedAt, errorCode }: EndedTrace): SpanFacts {
  const { operation, workflow, task, trace } = ATTRIBUTES;
  return {
    ...{ key: ROOT, parentKey: null, name: `${OPERATIONS.task} ${graph}`, kind: SpanKind.INTERNAL },
    ...{ from: startedAt, to: finishedAt, error: status === 'failed' ? (errorCode ?? 'task_failed') : null },
    attributes: {
      ...{ [operation]: OPERATIONS.task, [workflow]: graph, [task]: taskId, [trace]: number },
      [ATTRIBUTES.status]: status,
    },
  };
}

function runSpan(run: EndedRun, trace: EndedTrace): SpanFacts {
  const { path, agent, kind, status, attempts, startedAt, finishedAt, errorCode } = run;
  const isFailed = status === 'fatal_error' || status === 'retryable_error';
  const operation = kind === 'agent' ? OPERATIONS.agent : kind === 'tool' ? OPERATIONS.tool : null;
  const named = kind === 'agent' ? ATTRIBUTES.agent : ATTRIBUTES.tool;
  return {
    ...{ key: path, parentKey: parentOfPath(path) ?? ROOT, kind: SpanKind.INTERNAL },
    name: operation === null ? `${kind} ${path}` : `${operation} ${agent}`,
    ...{ from: startedAt ?? trace.startedAt, to: finishedAt ?? trace.finishedAt },
    error: isFailed ? (errorCode ?? status) : null,
    attributes: {
      ...(operation === null ? {} : { [ATTRIBUTES.operation]: operation, [named]: agent }),
      ...{
        [ATTRIBUTES.path]: path,
        [ATTRIBUTES.kind]: kind,
        [ATTRIBUTES.status]: status,
        [ATTRIBUTES.attempts]: attempts,
      },
    },
  };
}

function modelSpan(call: EndedModelCall, trace: EndedTrace): SpanFacts {
  const { path, step, agent, model, provider, state, attempts, finish, startedAt, finishedAt, errorCode } = call;
  return {
    ...{ key: `${path}#${step}`, parentKey: path, name: `${OPERATIONS.model} ${model}`, kind: SpanKind.CLIENT },
    ...{ from: startedAt, to: finishedAt ?? trace.finishedAt, error: state === 'done' ? null : (errorCode ?? state) },
    attributes: {
      ...{ [ATTRIBUTES.operation]: OPERATIONS.model, [ATTRIBUTES.requestModel]: model, [ATTRIBUTES.agent]: agent },
      ...(provider === null ? {} : { [ATTRIBUTES.provider]: provider }),
      ...(finish === null ? {} : { [ATTRIBUTES.finishReasons]: [finish] }),
      ...{ [ATTRIBUTES.inputTokens]: call.inputTokens, [ATTRIBUTES.cachedTokens]: call.cachedTokens },
      ...{ [ATTRIBUTES.outputTokens]: call.outputTokens, [ATTRIBUTES.reasoningTokens]: call.reasoningTokens },
      ...{ [ATTRIBUTES.costMicros]: call.costMicros, [ATTRIBUTES.path]: path, [ATTRIBUTES.step]: step },
      ...{ [ATTRIBUTES.status]: state, [ATTRIBUTES.attempts]: attempts },
    },
  };
}

function toolSpan(call: EndedToolCall, trace: EndedTrace): SpanFacts {
  const { path, step, index, agent, tool, callId, state, attempts, startedAt, finishedAt } = call;
  const end = finishedAt ?? trace.finishedAt;
  return {
    ...{
      key: `${path}#${step}/${index}`,
      parentKey: path,
      name: `${OPERATIONS.tool} ${tool}`,
      kind: SpanKind.INTERNAL,
    },
    ...{ from: startedAt ?? end, to: end, error: state === 'done' ? null : state },
    attributes: {
      ...{ [ATTRIBUTES.operation]: OPERATIONS.tool, [ATTRIBUTES.tool]: tool, [ATTRIBUTES.toolType]: 'function' },
      ...{
        [ATTRIBUTES.toolCallId]: callId,
        [ATTRIBUTES.agent]: agent,
        [ATTRIBUTES.path]: path,
        [ATTRIBUTES.step]: step,
      },
      ...{ [ATTRIBUTES.status]: state, [ATTRIBUTES.attempts]: attempts },
    },
  };
}

function spanOf(trace: EndedTrace, facts: SpanFacts, resource: Resource): ReadableSpan {
  const { key, parentKey, name, kind, from, to, error, attributes } = facts;
  const links = key === ROOT && trace.originTraceId !== null ? [{ context: contextOf(trace.originTraceId, ROOT) }] : [];
  const errorOf = error === null ? {} : { [ATTRIBUTES.error]: error };
  const end = Math.max(from.getTime(), to.getTime());
  return {
    ...{ name, kind, links, resource, events: [], ended: true },
    spanContext: () => contextOf(trace.id, key),
    ...(parentKey === null ? {} : { parentSpanContext: contextOf(trace.id, parentKey) }),
    ...{ startTime: timeOf(from.getTime()), endTime: timeOf(end), duration: timeOf(end - from.getTime()) },
    status: { code: error === null ? SpanStatusCode.UNSET : SpanStatusCode.ERROR },
    attributes: { ...attributes, ...errorOf, [ATTRIBUTES.tenant]: trace.tenant },
    instrumentationScope: { name: 'muster', schemaUrl: SCHEMA_URL },
    ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
  };
}

function contextOf(id: string, key: string): SpanContext {
  const traceId = traceIdOf(id);
  return { traceId, spanId: spanIdOf(traceId, key), traceFlags: TraceFlags.SAMPLED };
}

function timeOf(ms: number): HrTime {
  return [Math.trunc(ms / 1_000), (ms % 1_000) * 1_000_000];
}
