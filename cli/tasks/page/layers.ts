/** A node of a graph that is to be drawn. */
export interface Drawn {
  readonly id: string;
  /** The nodes that it waits for. */
  readonly after: readonly string[];
}

/** Where a node stands: its column, from the left, and its row, from the top. Short columns stand in the middle. */
export interface Place {
  readonly column: number;
  readonly row: number;
}

/** An edge with the places that it passes, one a column, from its beginning to its end. */
export interface Way {
  readonly from: string;
  readonly to: string;
  readonly places: readonly Place[];
}

/** A graph in columns: every edge leads to the right. */
export interface Layers {
  readonly nodes: ReadonlyMap<string, Place>;
  readonly ways: readonly Way[];
  readonly columns: number;
  readonly rows: number;
}

/** Something that takes a row of a column: a node, or the place where an edge passes. */
interface Cell {
  readonly key: string;
  readonly column: number;
  /** The keys of its neighbours in the column before. */
  readonly before: readonly string[];
}

/** Sweeps that straighten the edges. More change next to nothing. */
const SWEEPS = 4;

/**
 * Arranges an acyclic graph: a node stands one column behind the last one that it waits for, and an edge that skips
 * columns keeps a row free in each, so that it runs through no node. Rows follow the neighbours' mean, sweep after sweep.
 */
export function layersOf(nodes: readonly Drawn[]): Layers {
  const columnOf = columnsOf(nodes);
  const edges = nodes.flatMap((node) =>
    node.after.filter((id) => columnOf.has(id)).map((from) => ({ from, to: node.id })),
  );
  const cells = [
    ...nodes.map(({ id }) => cellOf(id, edges, columnOf)),
    ...edges.flatMap((edge) => passing(edge, columnOf)),
  ];
  const columns = Map.groupBy(cells, ({ column }) => column);
  const rowOf = rowsOf(columns);
  const rows = Math.max(0, ...[...columns.values()].map(({ length }) => length));
  const place = (key: string, column: number): Place => {
    const spare = rows - (columns.get(column)?.length ?? rows);
    return { column, row: (rowOf.get(key) ?? 0) + spare / 2 };
  };
  return {
    nodes: new Map(nodes.map(({ id }) => [id, place(id, columnOf.get(id) ?? 0)])),
    ways: edges.map((edge) => ({
      ...edge,
      places: waypoints(edge, columnOf).map(({ key, column }) => place(key, column)),
    })),
    columns: columns.size,
    rows,
  };
}

interface Edge {
  readonly from: string;
  readonly to: string;
}

type Columns = ReadonlyMap<string, number>;

/** Nodes come in any order; in a cycle, which no published graph has, a node stands where it is met first. */
function columnsOf(nodes: readonly Drawn[]): Columns {
  const byId = new Map(nodes.map((node) => [node.id, node]));
  const found = new Map<string, number>();
  const find = ({ id, after }: Drawn): number => {
    const known = found.get(id);
    if (known !== undefined) return known;
    found.set(id, 0);
    const before = after.flatMap((each) => byId.get(each) ?? []).map(find);
    const column = Math.max(0, ...before.map((each) => each + 1));
    found.set(id, column);
    return column;
  };
  for (const node of nodes) find(node);
  return found;
}

/** The keys and columns that an edge passes, both ends included. */
function waypoints({ from, to }: Edge, columnOf: Columns): { readonly key: string; readonly column: number }[] {
  const [first, last] = [columnOf.get(from) ?? 0, columnOf.get(to) ?? 0];
  const between = Array.from({ length: Math.max(0, last - first - 1) }, (_, index) => first + 1 + index);
  return [
    { key: from, column: first },
    ...between.map((column) => ({ key: `${from} ${to} ${column}`, column })),
    { key: to, column: last },
  ];
}

function cellOf(id: string, edges: readonly Edge[], columnOf: Columns): Cell {
  const before = edges.filter(({ to }) => to === id).map((edge) => waypoints(edge, columnOf).at(-2)?.key ?? edge.from);
  return { key: id, column: columnOf.get(id) ?? 0, before };
}

function passing(edge: Edge, columnOf: Columns): Cell[] {
  const points = waypoints(edge, columnOf);
  return points
    .slice(1, -1)
    .map(({ key, column }, index) => ({ key, column, before: [points[index]?.key ?? edge.from] }));
}

function rowsOf(columns: ReadonlyMap<number, readonly Cell[]>): ReadonlyMap<string, number> {
  const ordered = [...columns.keys()].toSorted((one, other) => one - other).map((column) => columns.get(column) ?? []);
  const after = new Map<string, string[]>();
  for (const { key, before } of ordered.flat())
    for (const each of before) after.set(each, [...(after.get(each) ?? []), key]);
  const rowOf = new Map(ordered.flatMap((column) => column.map(({ key }, row) => [key, row])));
  for (let sweep = 0; sweep < SWEEPS; sweep += 1) {
    const forward = sweep % 2 === 0;
    for (const column of forward ? ordered : ordered.toReversed()) {
      const wanted = ({ key, before }: Cell) => meanRow(forward ? before : (after.get(key) ?? []), rowOf, key);
      const sorted = column.toSorted((one, other) => wanted(one) - wanted(other));
      for (const [row, { key }] of sorted.entries()) rowOf.set(key, row);
    }
  }
  return rowOf;
}

function meanRow(neighbours: readonly string[], rowOf: ReadonlyMap<string, number>, key: string): number {
  if (neighbours.length === 0) return rowOf.get(key) ?? 0;
  return neighbours.reduce((sum, each) => sum + (rowOf.get(each) ?? 0), 0) / neighbours.length;
}
