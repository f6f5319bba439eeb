import type { GraphDefinition, GraphNode } from '../../domain/graphs/definition.ts';
import type { GraphDocument } from '../../domain/graphs/read-source.ts';
import type { ExecutionRef, NodeResult } from '../../domain/tasks/execution.ts';
import type { TerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import type { StoredRowInvalid } from '../../entities/entity-errors.ts';
import type { RunAttempt, RunBeginning } from '../../operations/record/notes.ts';
import type { ActivityDependencies } from '../dependencies.ts';
import type { RunSoFar } from './run-rows.ts';

export interface RunNodeInput {
  readonly execution: ExecutionRef;
  /** The run's path. The name is that of the first release, whose workers take the same activities. */
  readonly nodeId: RunPath;
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
  /** Known by its run's path. */
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

/** What was known of the run when the attempt began. */
export function runSoFar({ begun }: NodeAttempt): RunSoFar {
  return { attempts: begun.number, failures: begun.failures, startedAt: null };
}
