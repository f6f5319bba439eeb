export { defineAgent } from '../domain/agents/define-agent.ts';
export type { HandlerContext } from '../domain/agents/handler.ts';
export { defineGraph } from '../domain/graphs/define-graph.ts';
