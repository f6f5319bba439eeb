/** One agent waits for another's answer. */
export interface Wait {
  readonly from: string;
  readonly to: string;
}

/**
 * The circle that a request from one agent to another would close: the recipient, the agent that it waits for, and so
 * on back to the sender, which is at both ends; null if the request closes none. The shortest one, so that its sentence
 * names no agent needlessly.
 */
export function findWaitCircle(waits: readonly Wait[], request: Wait): readonly string[] | null {
  const cameFrom = new Map<string, string | null>([[request.to, null]]);
  for (const at of cameFrom.keys()) {
    if (at === request.from) return [request.from, ...pathTo(at, cameFrom)];
    for (const { to } of waits.filter((wait) => wait.from === at)) {
      if (!cameFrom.has(to)) cameFrom.set(to, at);
    }
  }
  return null;
}

function pathTo(end: string, cameFrom: ReadonlyMap<string, string | null>): readonly string[] {
  const path: string[] = [];
  for (let at: string | null = end; at !== null; at = cameFrom.get(at) ?? null) path.unshift(at);
  return path;
}
