/** What the order of a graph depends on: nodes by id, and the ids that each waits for. Unknown ids do not count. */
export interface WaitingNode {
  readonly id: string;
  readonly dependsOn: readonly { readonly node: string }[];
}

/**
 * Kahn's topological sort: `order` has every node after all that it waits for, and among those that are free at once
 * the given order. Where nodes wait for each other in a circle, `cycle` names one such circle, each id waiting for the
 * next and the last for the first. Ids must be unique. O(nodes + dependencies).
 */
export function orderNodes(nodes: readonly WaitingNode[]): {
  readonly order: readonly string[];
  readonly cycle: readonly string[] | null;
} {
  const waitsFor = dependenciesById(nodes);
  const waiters = waitersById(waitsFor);
  const open = new Map([...waitsFor].map(([id, dependencies]) => [id, dependencies.length]));
  const order = [...open].filter(([, count]) => count === 0).map(([id]) => id);
  // The array grows while it is walked: it is the queue and the result in one.
  for (const id of order) {
    for (const waiter of waiters.get(id) ?? []) {
      const left = (open.get(waiter) ?? 0) - 1;
      open.set(waiter, left);
      if (left === 0) order.push(waiter);
    }
  }
  return { order, cycle: order.length === waitsFor.size ? null : findCycle(waitsFor, new Set(order)) };
}

/**
 * For each node the ids of all that end before it begins, through any number of steps. O(nodes × dependencies) time
 * and O(nodes²) space; nodes on a cycle, and behind one, are left out.
 */
export function nodesBefore(nodes: readonly WaitingNode[]): ReadonlyMap<string, ReadonlySet<string>> {
  const waitsFor = dependenciesById(nodes);
  const before = new Map<string, Set<string>>();
  for (const id of orderNodes(nodes).order) {
    const all = new Set<string>();
    for (const dependency of waitsFor.get(id) ?? []) {
      all.add(dependency);
      for (const earlier of before.get(dependency) ?? []) all.add(earlier);
    }
    before.set(id, all);
  }
  return before;
}

function dependenciesById(nodes: readonly WaitingNode[]): Map<string, readonly string[]> {
  const known = new Set(nodes.map((node) => node.id));
  return new Map(
    nodes.map((node) => {
      const ids = node.dependsOn.map((dependency) => dependency.node).filter((id) => known.has(id));
      return [node.id, [...new Set(ids)]];
    }),
  );
}

function waitersById(waitsFor: ReadonlyMap<string, readonly string[]>): Map<string, string[]> {
  const waiters = new Map<string, string[]>([...waitsFor.keys()].map((id) => [id, []]));
  for (const [id, dependencies] of waitsFor) {
    for (const dependency of dependencies) waiters.get(dependency)?.push(id);
  }
  return waiters;
}

/** Every node that was never free waits for another such node, so that a walk along them must come back to itself. */
function findCycle(waitsFor: ReadonlyMap<string, readonly string[]>, free: ReadonlySet<string>): readonly string[] {
  const walked: string[] = [];
  let id = [...waitsFor.keys()].find((candidate) => !free.has(candidate));
  while (id !== undefined && !walked.includes(id)) {
    walked.push(id);
    id = waitsFor.get(id)?.find((dependency) => !free.has(dependency));
  }
  return id === undefined ? walked : walked.slice(walked.indexOf(id));
}
