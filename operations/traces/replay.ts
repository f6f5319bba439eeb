import { replayTrace } from '../../domain/graphs/replay.ts';
import type { Replayed } from '../../domain/graphs/replayed.ts';
import { storedForm } from '../../domain/graphs/stored-form.ts';
import { canonicalJson } from '../../domain/json.ts';
import { canonicalTrace, eventsOfEnds, firstDifference, type RecordedRun } from '../../domain/traces/canonical.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { trimText } from '../../domain/trim-text.ts';
import { defineOperation } from '../define.ts';
import { digestOf } from '../digest-of.ts';
import { innerInputFault } from '../graphs/inner-inputs.ts';
import { TracePruned } from '../operation-errors.ts';
import type { Stores } from '../stores.ts';
import { requireTask } from '../tasks/read.ts';
import { replayThinking } from './replay-thinking.ts';
import { readStoredTrace, requireTrace, type StoredTrace } from './stored-trace.ts';
import { TraceNotEnded } from './trace-errors.ts';
import { TRACE_FIELDS, type TraceInput } from './trace-fields.ts';

/** Where a trace and its replay part first. */
export interface ReplayDifference {
  /** The run; a JSON Pointer into the canonical form where it is not about one. */
  readonly at: string;
  /** One sentence. */
  readonly message: string;
}

/** What a trace came to when it was decided again. */
export interface ReplayView {
  readonly taskId: string;
  readonly trace: number;
  /** Whether the canonical form of the replay is that of the trace, byte for byte. */
  readonly identical: boolean;
  /** Null for an identical one. */
  readonly difference: ReplayDifference | null;
  /** The SHA-256 of the trace's canonical form, in lower-case hexadecimal. */
  readonly digest: string;
  readonly runs: {
    /** Conditions, containers and other nodes that follow from the graph, and runs that it skips. */
    readonly evaluated: number;
    /** Thinking runs whose loop ran again over the recorded answers. */
    readonly thinking: number;
    /** Thinking runs whose output only their agents' code could judge. They are among those of `thinking`. */
    readonly unjudged: number;
    /** Runs of other code, and what was cut off, as they are recorded. */
    readonly taken: number;
  };
  /** How long it took, reading included, in milliseconds. */
  readonly tookMs: number;
}

/** Nothing is called and nothing is written: no model, no tool, no code of an agent but the schemas of its outputs. */
export const replayTask = defineOperation({
  name: 'tasks.replay',
  summary: 'Decides an ended trace again from its record, and compares the two.',
  effect: 'read',
  risk: 'read_only',
  permission: 'tasks:read',
  unit: 'tenant',
  input: TRACE_FIELDS,
  async handle({ em, caller, stores }, { id, trace: number }: TraceInput): Promise<ReplayView> {
    const began = performance.now();
    const task = await requireTask(em, caller.tenant, id);
    const trace = await requireTrace(em, task, number);
    if (trace.status === 'running') throw new TraceNotEnded(task.id, trace.number);
    const stored = await readStoredTrace(em, task, trace);
    if (stored.isPruned) throw new TracePruned(task, 'events');
    const replay = await replayStored(stored, stores);
    return { taskId: task.id, trace: trace.number, ...replay, tookMs: Math.ceil(performance.now() - began) };
  },
});

/** Replays an ended trace, by the code of agents where this process has it. */
async function replayStored(
  stored: StoredTrace,
  { hosted }: Pick<Stores, 'hosted'>,
): Promise<Omit<ReplayView, 'taskId' | 'trace' | 'tookMs'>> {
  const { graph, recorded, events, steps } = stored;
  const thinking = await replayLoops(stored, hosted);
  const runs = recorded.runs.map((run) => thinking.runs.get(run.path) ?? run);
  const replayed = replayTrace(graph.definition, { ...recorded, runs }, { checkInner: innerInputFault });
  const before = canonicalTrace({ ...recorded, graph: graph.definitionHash, events });
  const after = canonicalTrace({
    ...{ task: recorded.task, runs: replayed.runs, end: replayed.end },
    graph: digestOf(storedForm(graph.definition)),
    events: eventsOfEnds(replayed, answeredSteps(steps)),
  });
  const identical = thinking.fault === null && canonicalJson(before) === canonicalJson(after);
  return {
    identical,
    difference: identical ? null : (thinking.fault ?? differenceOf(replayed, firstDifference(before, after))),
    digest: digestOf(before),
    runs: countsOf(replayed, thinking),
  };
}

interface Loops {
  readonly runs: ReadonlyMap<RunPath, RecordedRun>;
  readonly unjudged: number;
  readonly fault: ReplayDifference | null;
}

async function replayLoops({ recorded, steps }: StoredTrace, hosted: Stores['hosted']): Promise<Loops> {
  const runs = new Map<RunPath, RecordedRun>();
  let [unjudged, first]: [number, ReplayDifference | null] = [0, null];
  for (const run of recorded.runs) {
    const asked = steps.get(run.path);
    if (asked === undefined) continue;
    // Only an agent's run is known by a hosted agent's name; an llm's or a guardrail's has its node's.
    const agent = run.kind === 'agent' ? hosted.get(`agent:${run.performer}`) : undefined;
    const { run: derived, fault, isJudged } = await replayThinking(run, asked, agent);
    runs.set(run.path, derived);
    unjudged += isJudged ? 0 : 1;
    if (fault !== null) first ??= { at: run.path, message: fault };
  }
  return { runs, unjudged, fault: first };
}

function answeredSteps(steps: StoredTrace['steps']): ReadonlyMap<RunPath, readonly number[]> {
  const answered = [...steps].map(([path, asked]) => {
    const done = asked.filter(({ call }) => call.state === 'done');
    return [path, done.map(({ call }) => call.step)] as const;
  });
  return new Map(answered);
}

function countsOf({ runs }: Replayed, { runs: loops, unjudged }: Loops): ReplayView['runs'] {
  const evaluated = runs.filter(({ by }) => by === 'rules').length;
  return { evaluated, thinking: loops.size, unjudged, taken: runs.length - evaluated - loops.size };
}

const MOST_SHOWN = 200;

/** What the rules found says more than where the texts part. */
function differenceOf({ divergences }: Replayed, text: ReturnType<typeof firstDifference>): ReplayDifference {
  const [first] = divergences;
  if (first !== undefined) return { at: first.path, message: first.message };
  const [recorded, derived] = [text?.recorded, text?.derived].map((value) =>
    value === undefined ? 'nothing' : trimText(JSON.stringify(value), MOST_SHOWN),
  );
  return { at: text?.pointer ?? '', message: `Recorded: ${recorded}. Replayed: ${derived}.` };
}
