import assert from 'node:assert/strict';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { TaskId, TenantId, TraceId } from '../../domain/ids.ts';
import type {
  EndedModelCall,
  EndedRun,
  EndedToolCall,
  EndedTrace,
} from '../../entities/traces/ended-traces-repository.ts';
import { spanIdOf, spansOf, traceIdOf } from '../../telemetry/trace-spans.ts';

const RESOURCE = resourceFromAttributes({});
const at = (ms: number) => new Date(1_780_000_000_000 + ms);
const ID = '01a229e8-4d20-7126-8eb8-d9d34bc371dd' as TraceId;

const trace: EndedTrace = {
  ...{ id: ID, tenant: 'guild' as TenantId, taskId: 'task' as TaskId, graph: 'research', number: 2, status: 'failed' },
  ...{ originTraceId: '01a229e8-4d20-7126-8eb8-d9d34bc371de' as TraceId, startedAt: at(0), finishedAt: at(10_000) },
  ...{ errorCode: 'handler_failed', events: 1, cursor: { at: '', id: ID } },
};

const run = (path: string, over: Partial<EndedRun> = {}): EndedRun => ({
  ...{ path, agent: 'writer', kind: 'agent', status: 'ok', attempts: 1, errorCode: null },
  ...{ startedAt: at(10), finishedAt: at(5_000), ...over },
});

const call = (path: string, step: number, over: Partial<EndedModelCall> = {}): EndedModelCall => ({
  ...{ path, step, agent: 'writer', model: 'default', provider: 'local', state: 'done', attempts: 1, finish: 'stop' },
  ...{ inputTokens: 100, cachedTokens: 40, outputTokens: 20, reasoningTokens: 5, costMicros: 77, errorCode: null },
  ...{ startedAt: at(20), finishedAt: at(400), ...over },
});

const toolCall = (path: string, over: Partial<EndedToolCall> = {}): EndedToolCall => ({
  ...{ path, step: 1, index: 0, agent: 'writer', tool: 'look-up', callId: 'c1', state: 'done', attempts: 1 },
  ...{ startedAt: at(450), finishedAt: at(500), ...over },
});

describe('the spans of a trace', () => {
  it('have the bytes of its id as their trace id, and ids of their own that are always the same', () => {
    const rows = {
      runs: [run('a'), run('each[3]/a'), run('each')],
      models: [call('a', 1), call('a', 2)],
      tools: [toolCall('a')],
    };

    const [once, twice] = [spansOf(trace, rows, RESOURCE), spansOf(trace, rows, RESOURCE)];

    const idsOf = (spans: typeof once) => spans.map((span) => span.spanContext().spanId);
    assert.ok(once.every((span) => span.spanContext().traceId === '01a229e84d2071268eb8d9d34bc371dd'));
    assert.equal(new Set(idsOf(once)).size, 7);
    assert.deepEqual(idsOf(once), idsOf(twice));
  });

  it('stand within each other: the task, containers, runs, calls', () => {
    const rows = { runs: [run('each', { kind: 'each' }), run('each[3]/a')], models: [call('each[3]/a', 1)], tools: [] };

    const [root, each, inner, chat] = spansOf(trace, rows, RESOURCE);

    const parentOf = (span: typeof root) => span?.parentSpanContext?.spanId;
    const idOf = (span: typeof root) => span?.spanContext().spanId;
    assert.equal(parentOf(root), undefined);
    assert.deepEqual([each, inner, chat].map(parentOf), [root, each, inner].map(idOf));
    assert.equal(each?.name, 'each each');
  });

  it('are in the task where the run around them left no row', () => {
    const [root, chat] = spansOf(trace, { runs: [], models: [call('gone', 1)], tools: [] }, RESOURCE);

    assert.equal(chat?.parentSpanContext?.spanId, root?.spanContext().spanId);
  });

  it('link a redriven trace with the one before it', () => {
    const [root] = spansOf(trace, { runs: [], models: [], tools: [] }, RESOURCE);

    const before = traceIdOf(trace.originTraceId ?? '');
    assert.deepEqual(
      root?.links.map(({ context }) => [context.traceId, context.spanId]),
      [[before, spanIdOf(before, '')]],
    );
    assert.deepEqual([root?.status.code, root?.attributes['error.type']], [2, 'handler_failed']);
  });

  it('have tokens and money at model calls alone', () => {
    const rows = { runs: [run('a')], models: [call('a', 1), call('a', 2)], tools: [toolCall('a')] };

    const spans = spansOf(trace, rows, RESOURCE);

    const counted = spans.filter(({ attributes }) => Object.keys(attributes).some((name) => /usage|cost/.test(name)));
    assert.deepEqual(
      counted.map(({ name }) => name),
      ['chat default', 'chat default'],
    );
    const names = ['input_tokens', 'cache_read.input_tokens', 'output_tokens', 'reasoning.output_tokens'];
    assert.deepEqual(
      names.map((name) => counted[0]?.attributes[`gen_ai.usage.${name}`]),
      [100, 40, 20, 5],
    );
  });

  it('end what never ended with the trace, as an error of its state', () => {
    const doubted = call('a', 1, { state: 'in_doubt', finishedAt: null, provider: null, finish: null });
    const denied = toolCall('a', { state: 'denied', startedAt: null });
    const asked = toolCall('a', { index: 1, state: 'asked', startedAt: null, finishedAt: null });

    const spans = spansOf(trace, { runs: [run('a')], models: [doubted], tools: [denied, asked] }, RESOURCE);

    assert.deepEqual(
      spans.slice(2).map(({ name, attributes }) => [name, attributes['error.type']]),
      [
        ['chat default', 'in_doubt'],
        ['execute_tool look-up', 'denied'],
      ],
    );
    assert.deepEqual(spans[2]?.endTime, [1_780_000_010, 0]);
    assert.equal(Object.hasOwn(spans[2]?.attributes ?? {}, 'gen_ai.provider.name'), false);
  });

  it('end no earlier than what is in them', () => {
    const late = call('each[1]/a', 1, { finishedAt: at(10_004) });

    const spans = spansOf(trace, { runs: [run('each[1]/a'), run('each')], models: [late], tools: [] }, RESOURCE);

    const ends = spans.map(({ name, endTime }) => [name, endTime[1] / 1_000_000]);
    assert.deepEqual(ends, [
      ['invoke_workflow research', 4],
      ['invoke_agent writer', 4],
      ['invoke_agent writer', 4],
      ['chat default', 4],
    ]);
  });

  it('leave out a run that never began', () => {
    const rows = { runs: [run('a', { startedAt: null, status: 'skipped' })], models: [], tools: [] };

    assert.equal(spansOf(trace, rows, RESOURCE).length, 1);
  });
});
