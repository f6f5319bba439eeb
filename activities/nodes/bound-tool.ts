import type { Step } from '../../domain/graphs/run-state.ts';
import { nodeOfRun } from '../../domain/graphs/scope.ts';
import { scopeOfPath } from '../../domain/traces/path.ts';
import { ThinkingRepository } from '../../entities/thinking/thinking-repository.ts';
import type { StretchActivity } from '../tasks/stretch-activity.ts';

/** Says how often a tool was called by the llms to which it is bound, once they have ended. One that was not is skipped. */
export async function countCalls({ deps, execution, stretch }: StretchActivity, { path }: Step): Promise<void> {
  const { tenant, traceId } = execution;
  const node = nodeOfRun(stretch.definition, path);
  if (node.kind !== 'tool') throw new Error(`The node ${path} is no tool.`);
  const paths = node.dependsOn.map((dependency) => `${scopeOfPath(path)}${dependency.node}`);
  const calls = await deps.database.inTenant(tenant, ({ em }) =>
    new ThinkingRepository(em).countCalls({ tenant, traceId, paths, tool: node.handler }),
  );
  if (calls === 0) stretch.skip(node);
  else stretch.close(node, { kind: 'complete', output: { calls }, outcome: null });
}
