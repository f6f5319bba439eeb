import { runSupervision } from './agents/supervision.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { type PruneExpiredInput, pruneExpired } from './retention/prune-expired.ts';
import { type RunTogetherInput, runTogether } from './shared/run-together.ts';
import {
  answerInTemporal,
  decideInTemporal,
  type TemporalAnswer,
  type TemporalDecision,
} from './tasks/decide-in-temporal.ts';
import { lookAtWait } from './tasks/look-at-wait.ts';
import { type MoveToVersionInput, moveToVersion } from './tasks/move-to-version.ts';
import { type RunNodeInput, runNode } from './tasks/run-node.ts';
import { type RunQuickNodesInput, runQuickNodes } from './tasks/run-quick-nodes.ts';
import { type CloseTaskInput, closeTask, type MarkTaskInput, markTask } from './tasks/task-states.ts';
import { callModel } from './thinking/call-model.ts';
import { type CallToolInput, callTool } from './thinking/call-tool.ts';
import { type CompareTracesInput, compareTraces } from './traces/compare-sample.ts';

/** The register of activities: every side effect that a workflow can ask for. */
export function createActivities(deps: ActivityDependencies) {
  return {
    runNode: (input: RunNodeInput) => runNode(deps, input),
    runQuickNodes: (input: RunQuickNodesInput) => runQuickNodes(deps, input),
    runTogether: (input: RunTogetherInput) => runTogether(deps, input),
    callModel: (input: RunNodeInput) => callModel(deps, input),
    callTool: (input: CallToolInput) => callTool(deps, input),
    lookAtWait: (input: RunNodeInput) => lookAtWait(deps, input),
    closeTask: (input: CloseTaskInput) => closeTask(deps, input),
    answerInTemporal: (input: TemporalAnswer) => answerInTemporal(deps, input),
    decideInTemporal: (input: TemporalDecision) => decideInTemporal(deps, input),
    markTask: (input: MarkTaskInput) => markTask(deps, input),
    moveToVersion: (input: MoveToVersionInput) => moveToVersion(deps, input),
    runSupervision: () => runSupervision(deps),
    pruneExpired: (input: PruneExpiredInput) => pruneExpired(deps, input),
    compareTraces: (input: CompareTracesInput) => compareTraces(deps, input),
  };
}

export type Activities = ReturnType<typeof createActivities>;
