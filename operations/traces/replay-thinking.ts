import type { Handler } from '../../domain/agents/handler.ts';
import { parseWith } from '../../domain/agents/schema.ts';
import { canonicalJson, isJsonObject, type Json, toJson } from '../../domain/json.ts';
import { jsonInAnswer } from '../../domain/thinking/answer-json.ts';
import { nextMove } from '../../domain/thinking/next-move.ts';
import type { RecordedRun } from '../../domain/traces/canonical.ts';
import type { StoredTrace } from './stored-trace.ts';

type Steps = NonNullable<ReturnType<StoredTrace['steps']['get']>>;

/** What the ledger of a thinking run comes to. */
export interface ReplayedThinking {
  readonly run: RecordedRun;
  /** Why the ledger is not one that the loop of thinking agents writes; null where it is. */
  readonly fault: string | null;
  /** Whether its output was made of the answer again. False where only the code of its agent could. */
  readonly isJudged: boolean;
}

/**
 * Runs the loop of a thinking agent over the recorded answers: each must be followed by the step that is recorded, and the
 * last makes the end of the run. A run that a fault of its model, a person or a cancel ended keeps its recorded end.
 */
export async function replayThinking(
  run: RecordedRun,
  steps: Steps,
  agent: Handler | undefined,
): Promise<ReplayedThinking> {
  const soFar = steps.map(({ call, tools }) => ({
    ...{ step: call.step, state: call.state, fault: call.fault ?? null },
    calls: tools.map(({ index, state }) => ({ index, state })),
  }));
  // How many steps it may make is in its code. Elsewhere the record shows it where they were exhausted.
  const shown = run.error?.code === 'steps_exhausted' ? soFar.length : Number.MAX_SAFE_INTEGER;
  const most = agent?.thinking?.limits.steps ?? shown;
  for (const [index, { step }] of soFar.entries()) {
    const before = nextMove(soFar.slice(0, index), most);
    if (before.kind === 'call' && before.step === step) continue;
    return {
      run,
      fault: `Step ${step} was made, and what was recorded before it leads to "${before.kind}".`,
      isJudged: true,
    };
  }
  const move = nextMove(soFar, most);
  switch (move.kind) {
    case 'output':
      return withOutput(run, steps, agent);
    case 'exhausted':
      return { run: failed(run, 'steps_exhausted'), fault: null, isJudged: true };
    case 'invalid':
      return { run: failed(run, 'output_invalid'), fault: null, isJudged: true };
    default:
      return {
        run,
        fault: run.status === 'ok' ? 'It has an output, and its steps came to none.' : null,
        isJudged: true,
      };
  }
}

function failed(run: RecordedRun, why: string): RecordedRun {
  // Nothing passes that its judge has not let pass.
  const code = run.kind === 'guardrail' ? 'guardrail_blocked' : why;
  return { ...run, status: 'fatal_error', error: { code, message: run.error?.message ?? code } };
}

/** A run whose agent's code is here is judged by it; of any other it is known whether the answer is the output as it stands. */
async function withOutput(run: RecordedRun, steps: Steps, agent: Handler | undefined): Promise<ReplayedThinking> {
  const text = steps.at(-1)?.call.answer?.text ?? '';
  if (agent?.thinking !== undefined) {
    const read = await parseWith(agent.output, agent.thinking.outputSchema === null ? text : jsonInAnswer(text));
    const json = toJson(read.ok ? (read.value ?? null) : undefined);
    if (!json.ok) return { run: failed(run, 'output_invalid'), fault: null, isJudged: true };
    return { run: completed(run, json.value), fault: null, isJudged: true };
  }
  const json = toJson(jsonInAnswer(text) ?? null);
  if (run.kind === 'guardrail') return { run: ruledOn(run, json.ok ? json.value : null), fault: null, isJudged: true };
  const likely = [text, { text }, ...(json.ok ? [json.value] : [])];
  const same = likely.find((one) => canonicalJson(one) === canonicalJson(run.output));
  return { run: completed(run, same ?? run.output), fault: null, isJudged: same !== undefined };
}

/** The judge of a guardrail lets a text pass, or blocks it. */
function ruledOn(run: RecordedRun, ruling: Json): RecordedRun {
  const passes = isJsonObject(ruling) && ruling.passed === true;
  return passes ? completed(run, { passed: true }) : failed(run, 'guardrail_blocked');
}

function completed(run: RecordedRun, output: Json): RecordedRun {
  return { ...run, status: 'ok', error: null, output };
}
