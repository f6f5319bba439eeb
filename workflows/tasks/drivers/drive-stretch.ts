import type { GraphDefinition } from '../../../domain/graphs/definition.ts';
import { isQuick, MAX_STRETCH_STEPS } from '../../../domain/graphs/drive-quick.ts';
import { allNodes, isContainer } from '../../../domain/graphs/kinds/kind-table.ts';
import { type Step, settleRun } from '../../../domain/graphs/run-state.ts';
import type { ExecutionRef, ExecutionState } from '../../../domain/tasks/execution.ts';
import type { TerminalTaskStatus } from '../../../domain/tasks/task-status.ts';
import { runLabel, stretchActivity } from '../../activities.ts';

/** The length of a summary that the Web UI shows. */
const MAX_SUMMARY_CHARACTERS = 120;

/**
 * Drives quick steps: one activity carries out all that can be reached, openings and rounds of containers among them,
 * and writes them together.
 *
 * @returns the state afterwards, and how the task ended if the stretch was the rest of it
 */
export function driveStretch(
  { execution, plan }: { execution: ExecutionRef; plan: GraphDefinition },
  state: ExecutionState,
  steps: readonly Step[],
): Promise<{ readonly state: ExecutionState; readonly closed: TerminalTaskStatus | null }> {
  const summary = steps.map(({ path, node }) => runLabel(path, node)).join(', ');
  const { graph, unhosted } = state;
  const pending = plan.nodes.filter((node) => isQuick(node) && graph.nodes[node.id]?.status === 'pending');
  const nested = plan.nodes.some(isContainer);
  const { runQuickNodes } = stretchActivity(
    summary.slice(0, MAX_SUMMARY_CHARACTERS),
    nested ? allNodes(plan).filter(isQuick) : pending,
    nested ? MAX_STRETCH_STEPS : 1,
  );
  return runQuickNodes({ execution, graph, unhosted }).then((done) => {
    const settled = () => done.settled.reduce((before, run) => settleRun(plan, before, run.id, run).state, graph);
    return {
      state: {
        ...state,
        graph: done.graph ?? settled(),
        unhosted: [...new Set([...unhosted, ...done.unhosted])],
        failure: done.failure ?? state.failure,
      },
      closed: done.closed,
    };
  });
}
