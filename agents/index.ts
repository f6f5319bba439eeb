import { channelDigest } from './channel-digest/graph.ts';
import { conversationTurn } from './conversation-turn/shipped-turn.ts';

/** The graphs that ship with Muster. */
export const shippedGraphs = [channelDigest, conversationTurn] as const;
