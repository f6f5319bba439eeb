import { HandlerThrew, parseThrown } from '../../domain/agents/thrown.ts';
import { errorMessage, hasErrorCode, isStoreOutage, MusterError } from '../../domain/errors.ts';
import type { GraphNode } from '../../domain/graphs/definition.ts';
import type { NodeKind } from '../../domain/graphs/kinds.ts';
import { thrownText } from '../../domain/thrown-text.ts';
import type { AttemptEnd } from '../../domain/traces/attempt.ts';
import { HandlerUnknown } from '../handler-errors.ts';
import { runAgent } from './agent.ts';
import type { AttemptSetting } from './attempt-setting.ts';
import { runPure } from './pure.ts';
import { runTool } from './tool.ts';

/** A method, so that what takes nodes of one kind fits in: it is looked up by a node's own kind. */
interface NodeRunner {
  run(node: GraphNode, setting: AttemptSetting): Promise<AttemptEnd>;
}

/** Containers, what thinks and what waits: they are carried out step by step. */
const IN_STEPS: NodeRunner = {
  run: async ({ id }) => {
    throw new Error(`The node ${id} is carried out in steps, and has no attempt as a whole.`);
  },
};

/** How one attempt of a node of each kind is carried out. */
const RUNNERS: Readonly<Record<NodeKind, NodeRunner>> = {
  agent: { run: runAgent },
  tool: { run: runTool },
  condition: { run: runPure },
  prompt: { run: runPure },
  function: { run: runPure },
  'output-parser': { run: runPure },
  guardrail: { run: runPure },
  llm: IN_STEPS,
  'sub-graph': IN_STEPS,
  each: IN_STEPS,
  repeat: IN_STEPS,
  approval: IN_STEPS,
  wait: IN_STEPS,
  'entity-collector': IN_STEPS,
  child: IN_STEPS,
};

/** Runs one attempt of a node. Whatever is thrown meanwhile becomes its end. */
export async function runAttempt(node: GraphNode, setting: AttemptSetting): Promise<AttemptEnd> {
  try {
    return await RUNNERS[node.kind].run(node, setting);
  } catch (error) {
    if (error instanceof HandlerUnknown) return { kind: 'unhosted', message: error.message };
    if (setting.cancellation.aborted) return { kind: 'stopped' };
    return error instanceof HandlerThrew ? thrownAttempt(error.thrown) : failedAttempt(error);
  }
}

/** How long an attempt waits whose handler met a store that is unavailable. Milliseconds. */
const OUTAGE_WAIT_MS = 2_000;

function thrownAttempt(thrown: unknown): AttemptEnd {
  // What a capability has thrown is not the handler's fault, whatever the handler makes of it.
  if (isOutage(thrown)) {
    return { kind: 'limited', message: errorMessage(thrown), retryAfterMs: OUTAGE_WAIT_MS, waitedMs: 0 };
  }
  const { code, message, retryable, retryAfterMs, limitedForMs } = parseThrown(thrown);
  if (limitedForMs !== null) return { kind: 'limited', message, retryAfterMs: limitedForMs, waitedMs: 0 };
  return { kind: 'failed', code, message, retryable, retryAfterMs };
}

/** Whatever was thrown may be a proxy that answers nothing. */
function isOutage(thrown: unknown): thrown is MusterError {
  try {
    return thrown instanceof MusterError && isStoreOutage(thrown);
  } catch {
    return false;
  }
}

/** An error of ours: the input, the output, the time. */
function failedAttempt(error: unknown): AttemptEnd {
  return {
    kind: 'failed',
    code: hasErrorCode(error) ? error.code : 'handler_failed',
    message: thrownText(error),
    retryable: !(error instanceof MusterError) || error.retryable,
    retryAfterMs: null,
  };
}
