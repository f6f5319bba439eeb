import { channelDigest } from './channel-digest/graph.ts';

/** The graphs that ship with Muster. */
export const shippedGraphs = [channelDigest] as const;

/** The agents that ship with Muster: those of the graphs above, each once. */
export const shippedAgents = [...new Set(shippedGraphs.flatMap(({ handlers }) => handlers))];
