import { handlerNameOf } from '../../domain/graphs/kinds/kind-table.ts';
import { MAX_TOOLS } from '../../domain/thinking/define-thinking.ts';
import { HandlerUnknown } from '../handler-errors.ts';
import { Beat } from '../tasks/beat.ts';
import type { NodeActivity } from '../tasks/node-attempt.ts';
import { judgeAgentOf } from './judge-agent.ts';
import { llmAgentOf } from './llm-agent.ts';
import type { ThinkingAgent } from './thinking-agent.ts';

/**
 * The agent of a node, with the tools that it has at this moment. Asking its sources may take a while.
 * @throws HandlerUnknown where this worker hosts another kind of agent under the name
 */
export async function thinkingAgentOf(activity: NodeActivity): Promise<ThinkingAgent> {
  const { deps, node } = activity;
  if (node.kind === 'llm') return llmAgentOf(activity, node);
  if (node.kind === 'guardrail' && node.guardrail.judge) return judgeAgentOf(activity, node, node.guardrail.judge);
  const name = handlerNameOf(node) ?? '';
  const handler = deps.handlers.get(`agent:${name}`);
  const thinking = handler?.thinking;
  if (handler === undefined || thinking === undefined) {
    throw new HandlerUnknown(node.id, `the thinking agent "${name}"`);
  }
  // Bound to the stores of this worker where they are operations.
  const own = thinking.tools.map((tool) => deps.handlers.get(`tool:${tool.name}`) ?? tool);
  if (thinking.sources.length === 0 || deps.sources === null) {
    return { name, handler, thinking, tools: own, unavailable: [] };
  }
  const beat = new Beat();
  try {
    const { tools, unavailable } = await deps.sources.toolsOf(thinking.sources);
    return { name, handler, thinking, tools: [...own, ...tools].slice(0, MAX_TOOLS), unavailable };
  } finally {
    beat.stop();
  }
}
