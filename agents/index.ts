import { channelDigest } from './channel-digest/graph.ts';

/** The graphs that ship with Muster. */
export const shippedGraphs = [channelDigest] as const;
