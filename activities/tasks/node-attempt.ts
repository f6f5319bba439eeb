import type { GraphDefinition, GraphNode } from '../../domain/graphs/definition.ts';
import { performerOf } from '../../domain/graphs/kinds/kind-table.ts';
import type { GraphDocument } from '../../domain/graphs/read-source.ts';
import type { ExecutionRef, NodeResult } from '../../domain/tasks/execution.ts';
import type { TerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import type { StoredRowInvalid } from '../../entities/entity-errors.ts';
import { NOTHING_STORED } from '../../entities/traces/artifact-repository.ts';
import type { RunAttempt, RunBeginning, RunEnd } from '../../operations/record/notes.ts';
import type { ActivityDependencies } from '../dependencies.ts';

export interface RunNodeInput {
  readonly execution: ExecutionRef;
  readonly nodeId: string;
  /** True when the task is complete once this node is: its end is then written in the same transaction. */
  readonly closesTask: boolean;
}

export interface RunNodeResult {
  readonly result: NodeResult;
  readonly closed: TerminalTaskStatus | null;
}

/** One activity that runs a node, with everything that its steps need. */
export interface NodeActivity {
  readonly deps: ActivityDependencies;
  readonly input: RunNodeInput;
  readonly definition: GraphDefinition;
  readonly node: GraphNode;
}

export type Begun = Extract<RunBeginning, { kind: 'begun' }>;

/** What is read with the beginning of an attempt. What cannot be read fails the run. */
export interface Beginning {
  readonly begun: RunBeginning;
  readonly document: GraphDocument | StoredRowInvalid;
}

/** One attempt that has begun. */
export interface NodeAttempt extends NodeActivity {
  readonly begun: Begun;
}

/** The attempt as its row knows it. */
export function runAttemptOf({ input, node, begun }: NodeAttempt): RunAttempt {
  return { traceId: input.execution.traceId, nodeId: node.id, number: begun.number };
}

/** A run's end as it stands before anything is known of it. */
export function runEnd({ node, begun }: NodeAttempt): RunEnd {
  return {
    nodeId: node.id,
    agent: performerOf(node),
    kind: node.kind,
    status: 'ok',
    attempts: begun.number,
    failures: begun.failures,
    outcome: null,
    output: NOTHING_STORED,
    error: null,
    startedAt: null,
    finishedAt: new Date(),
  };
}
