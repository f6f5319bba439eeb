/** The nodes of a graph by id, with the ids that each waits for. Unknown ids are ignored. */
export interface WaitingNode {
  readonly id: string;
  readonly dependsOn: readonly { readonly node: string }[];
}

/**
 * Kahn's topological sort: `order` has every node after all that it waits for; nodes that are free at the same time
 * keep the given order. If nodes wait for each other in a circle, `cycle` names one, in which each id waits for the
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
  // The array grows during the loop: it is both the queue and the result.
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
 * For each node, the ids of all nodes that end before it begins, through any number of steps. O(nodes × dependencies)
 * time and O(nodes²) space; nodes on or after a cycle are left out.
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

/** Every node that was never free waits for another such node, so a walk along them must return to itself. */
function findCycle(waitsFor: ReadonlyMap<string, readonly string[]>, free: ReadonlySet<string>): readonly string[] {
  const walked: string[] = [];
  let id = [...waitsFor.keys()].find((candidate) => !free.has(candidate));
  while (id !== undefined && !walked.includes(id)) {
    walked.push(id);
    id = waitsFor.get(id)?.find((dependency) => !free.has(dependency));
  }
  return id === undefined ? walked : walked.slice(walked.indexOf(id));
}
