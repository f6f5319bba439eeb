import type { GraphDefinition, GraphNode } from '../../domain/graphs/definition.ts';
import { quickStretch } from '../../domain/graphs/drive-quick.ts';
import { type GraphState, settleNode, startNodes } from '../../domain/graphs/graph-state.ts';
import type { GraphDocument } from '../../domain/graphs/read-source.ts';
import type { Json } from '../../domain/json.ts';
import type { Failure, NodeResult } from '../../domain/tasks/execution.ts';
import type { AttemptVerdict } from '../../domain/traces/attempt.ts';
import type { RunRecord } from '../../entities/traces/run-repository.ts';
import type { NewTraceEvent, RunEnd, RunError, RunWait } from '../../operations/record/notes.ts';
import { endedRun, type FinalVerdict, resultOf, skippedRun, waitingRun } from './run-rows.ts';

/** From where a stretch sets out. */
export interface StretchStart {
  readonly definition: GraphDefinition;
  readonly state: GraphState;
  readonly document: GraphDocument;
  /** Quick nodes that are left out: they run as activities of their own. */
  readonly unhosted: ReadonlySet<string>;
  /** Runs that an earlier try of this very stretch wrote before its report was lost. */
  readonly written: ReadonlyMap<string, RunRecord>;
}

/** The attempt of a node in the stretch, judged. */
export interface JudgedAttempt {
  readonly verdict: AttemptVerdict;
  readonly startedAt: Date;
  /** What the attempt noted, its beginning first. */
  readonly events: readonly NewTraceEvent[];
}

/** A run that ended in the stretch, and its output, which is yet to be stored; absent where it has none. */
interface EndedInStretch {
  readonly end: RunEnd;
  readonly output?: Json;
}

/** What the nodes of a stretch left so far. Nothing of it is written yet. */
export class Stretch {
  readonly definition: GraphDefinition;
  readonly ends: EndedInStretch[] = [];
  /** Runs that failed and are tried again elsewhere. */
  readonly waits: RunWait[] = [];
  readonly settled: NodeResult[] = [];
  readonly events: NewTraceEvent[] = [];
  readonly unhosted: Set<string>;
  readonly #written: ReadonlyMap<string, RunRecord>;
  state: GraphState;
  document: GraphDocument;
  failure: Failure | null = null;

  constructor({ definition, state, document, unhosted, written }: StretchStart) {
    this.definition = definition;
    this.state = state;
    this.document = document;
    this.unhosted = new Set(unhosted);
    this.#written = written;
  }

  /** The next node to run. Those that an earlier try has written are taken over on the way. */
  next(): GraphNode | null {
    for (;;) {
      const ready = quickStretch(this.definition, this.state);
      const node = ready.find((candidate) => !this.unhosted.has(candidate.id));
      if (node === undefined) return null;
      const known = this.#written.get(node.id);
      if (known === undefined) return node;
      this.#repeat(known);
    }
  }

  /**
   * Takes over what a node's attempt came to. What another attempt may help, and what a limit holds up, leaves the stretch:
   * the node continues as an activity of its own, which waits by the server's timer and holds nothing up meanwhile.
   */
  take(node: GraphNode, { verdict, startedAt, events }: JudgedAttempt): void {
    const isFinal = verdict.kind === 'complete' || verdict.kind === 'fail';
    // Of an attempt that waits for a limit, or was made in vain, nothing is written: the activity makes it again.
    if (isFinal || verdict.kind === 'retry') this.events.push(...events);
    if (isFinal) {
      this.#end(node, verdict, startedAt);
      return;
    }
    if (verdict.kind === 'retry') this.waits.push(waitingRun(node, verdict, startedAt));
    this.unhosted.add(node.id);
  }

  #end(node: GraphNode, verdict: FinalVerdict, startedAt: Date): void {
    const end = endedRun(node, verdict, { attempts: 1, failures: 0, startedAt });
    const type = end.error === null ? 'run.completed' : 'run.failed';
    this.events.push({ type, nodeId: node.id, data: { attempt: 1, ...end.error }, at: end.finishedAt });
    if (verdict.kind === 'complete') {
      this.document = { ...this.document, nodes: { ...this.document.nodes, [node.id]: verdict.output } };
      this.ends.push({ end, output: verdict.output });
    } else {
      this.ends.push({ end });
    }
    this.#advance(resultOf(end), end.error);
  }

  /** Takes over a run that is already in its row, and whose output is in the document. */
  #repeat({ nodeId: id, attempts, outcome, error, ...run }: RunRecord): void {
    // Only runs that have ended are known as written.
    const status = run.status as NodeResult['status'];
    this.#advance({ id, status, attempts, ...(outcome === null ? {} : { outcome }) }, error);
  }

  #advance(result: NodeResult, error: RunError | null): void {
    const started = startNodes(this.state, [result.id]);
    const { state, skipped } = settleNode(this.definition, started, result.id, result);
    this.state = state;
    this.settled.push(result);
    if (state.failedNode === result.id && error !== null) this.failure = { ...error, node: result.id };
    for (const { id, reason } of skipped) {
      if (this.#written.has(id)) continue;
      this.events.push({ type: 'run.skipped', nodeId: id, data: { reason }, at: new Date() });
      this.ends.push({ end: skippedRun(nodeOf(this.definition, id), reason) });
    }
  }
}

function nodeOf(definition: GraphDefinition, id: string): GraphNode {
  const node = definition.nodes.find((candidate) => candidate.id === id);
  if (node === undefined) throw new Error(`The graph ${definition.name} has no node ${id}.`);
  return node;
}
