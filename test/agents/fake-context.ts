import { createHash } from 'node:crypto';
import type { HandlerContext } from '../../domain/agents/handler.ts';
import { UNLIMITED } from '../../domain/limits/decision.ts';

/** A context as a handler sees it, which remembers what the handler did. */
export interface FakeContext extends HandlerContext {
  readonly artifacts: Map<string, string>;
  readonly beats: { count: number };
}

/** Makes a context for one node; artifacts get an id that depends on their content alone. */
export function fakeContext(nodeId = 'node', signal: AbortSignal = new AbortController().signal): FakeContext {
  const artifacts = new Map<string, string>();
  const beats = { count: 0 };
  return {
    tenant: 'test',
    taskId: 'task',
    traceId: 'trace',
    nodeId,
    agent: null,
    attempt: 1,
    signal,
    models: [],
    heartbeat: () => {
      beats.count++;
    },
    effect: (_step, { call }) => call('key'),
    writeArtifact: async ({ name, content }) => {
      const id = `${name}-${createHash('sha256').update(content).digest('hex').slice(0, 12)}`;
      artifacts.set(id, String(content));
      return id;
    },
    limits: {
      take: async () => UNLIMITED,
      reserve: async (step, call) => ({ ...UNLIMITED, id: step, call: { ...call, tenant: 'test' } }),
      settle: async () => 'settled',
    },
    messages: {
      send: async (step) => ({ id: step, duplicate: false }),
      request: async () => null,
      broadcast: async (step) => ({ id: step, receipts: [] }),
    },
    log: { info: () => undefined, warn: () => undefined },
    artifacts,
    beats,
  };
}
