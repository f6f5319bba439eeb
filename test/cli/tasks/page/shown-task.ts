import type { TaskView } from '../../../../index.ts';

type Trace = TaskView['traces'][number];
type Step = Trace['steps'][number];

/** The beginning of everything that happens here. */
export const BEGIN = new Date('2026-11-30T12:00:00Z');
/** A moment after it. */
export const at = (ms: number): Date => new Date(BEGIN.getTime() + ms);

/**
 * A task with a graph of three nodes, one of them thinking, whose tool a person approved. Every text that comes from
 * outside is this one.
 */
export function shownTask(text: string): TaskView {
  const trace = shownTrace(text);
  const task: TaskView['task'] = {
    ...({
      id: '01a229e8-4d20-7126-8eb8-d9d34bc371dd',
      tenant: 'default',
      graph: 'triage',
    } as never as TaskView['task']),
    ...{ title: text, status: 'failed', priority: 'normal', user: text, key: text },
    ...{ createdAt: BEGIN, startAt: null, dueAt: null, deadlineAt: null, recurrence: null, predecessorId: null },
    ...{ startedAt: at(20), completedAt: at(9_000), error: { code: 'handler_failed', message: text } },
    ...{ workflowId: 'task/01a229e8/1', waitsFor: text },
  };
  const budget: TaskView['budget'] = null;
  const { usage } = trace;
  const pruned = { traces: false, output: false };
  return {
    task,
    inputStart: text,
    traces: [trace],
    usage,
    output: { said: text },
    pruned,
    origin: null,
    forks: [],
    budget,
    parent: null,
  };
}

function shownTrace(text: string): Trace {
  const usage = { inputTokens: 1_200, cachedTokens: 200, outputTokens: 80, reasoningTokens: 10, costMicros: 12_345 };
  const first = { required: true, node: 'read' };
  const node = (id: string, dependsOn: Trace['nodes'][number]['dependsOn']) => {
    return { id, kind: 'agent' as const, calls: text, dependsOn, inner: [] };
  };
  return {
    ...{ id: '01a229e8-4d20-7126-8eb8-d9d34bc371de', number: 1, status: 'failed', workflowId: 'task/01a229e8/1' },
    ...{ originTraceId: null, startedAt: at(20), finishedAt: at(9_000), usage },
    nodes: [node('read', []), node('answer', [first]), node('file', [first, { required: false, node: 'answer' }])],
    runs: [runOf('read', 'ok', text), runOf('answer', 'ok', text), runOf('file', 'fatal_error', text)],
    steps: [{ ...usage, ...shownStep(text) }],
    messages: [
      {
        ...({ id: '01a229e8-4d20-7126-8eb8-d9d34bc371df', from: text, to: text } as never as Trace['messages'][number]),
        ...{ type: 'command', status: 'dead', payload: { text }, result: text, deadReason: text, sentAt: at(300) },
      },
    ],
    events: [{ seq: 1, type: 'trace.started', nodeId: null, path: text, data: { text }, at: at(20) }],
  };
}

function runOf(path: string, status: Trace['runs'][number]['status'], text: string): Trace['runs'][number] {
  const error = status === 'ok' ? null : { code: 'handler_failed', message: text };
  const times = { startedAt: at(100), finishedAt: at(8_000) };
  return {
    ...times,
    nodeId: path,
    path,
    agent: text,
    status,
    attempts: 1,
    error,
    takenFrom: null,
    inputStart: text,
    outputStart: text,
  };
}

function shownStep(
  text: string,
): Omit<Step, 'inputTokens' | 'cachedTokens' | 'outputTokens' | 'reasoningTokens' | 'costMicros'> {
  const approval = {
    ...({ id: '01a229e8-4d20-7126-8eb8-d9d34bc371e0' } as never as NonNullable<Step['tools'][number]['approval']>),
    ...{
      state: 'approved' as const,
      decidedBy: text,
      createdAt: at(1_000),
      decidedAt: at(4_000),
      expiresAt: at(90_000),
    },
    request: { arguments: { text }, risk: 'external_write' as const, onBehalfOf: [], reason: text },
    decision: { callId: 'c1', reason: text, arguments: { text }, digest: 'd' },
  };
  const tool = { index: 0, tool: text, state: 'done' as const, arguments: { [text]: text }, result: text, approval };
  const decision = { verdict: 'allowed', reason: text, policyVersion: 3 };
  return {
    ...{ path: 'answer', step: 1, model: text, provider: text, state: 'done', attempts: 2, fault: text, answer: text },
    ...{ finish: 'tool_calls', context: null, startedAt: at(200), finishedAt: at(900) },
    tools: [{ ...tool, decision, startedAt: at(4_100), finishedAt: at(6_000) }],
  };
}
