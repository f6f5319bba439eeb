import { Graph, layout, type Point } from '@dagrejs/dagre';
import { edgeOf } from '../../domain/graphs/connections.ts';
import type { Dependency } from '../../domain/graphs/definition.ts';
import { shorten } from '../output/formatting.ts';
import { html, type Markup } from '../tasks/page/markup.ts';

/** How a node is drawn. */
export interface ShownNode {
  /** The small line under its name. */
  readonly note: string;
  /** What is shown of it when somebody points at it. */
  readonly title: string;
  /** The classes of its colours. */
  readonly tone: string;
  /** Where it leads; null for nowhere. */
  readonly href: string | null;
}

/** A node as it waits for others. */
interface WaitingNode {
  readonly id: string;
  readonly dependsOn: readonly Dependency[];
}

/** The drawing of a graph, without the element around it, and its size in pixels. */
export interface Picture {
  readonly body: Markup;
  readonly width: number;
  readonly height: number;
}

/** Sizes in pixels. */
const NODE = { width: 190, height: 52 };
const GAP = { column: 62, row: 20 };
const MARGIN = 14;
/** Characters that fit into a node, in its larger and its smaller letters. */
const FITS = { name: 22, note: 29 };

/** Draws a graph from left to right. An arrow from a node that is not there is left out. */
export function pictureOf<Node extends WaitingNode>(nodes: readonly Node[], shown: (node: Node) => ShownNode): Picture {
  const graph = new Graph();
  graph.setGraph({ rankdir: 'LR', nodesep: GAP.row, ranksep: GAP.column, marginx: MARGIN, marginy: MARGIN });
  for (const { id } of nodes) graph.setNode(id, { ...NODE });
  const arrows = nodes.flatMap(arrowsOf).filter(({ from, to }) => graph.hasNode(from) && graph.hasNode(to));
  for (const { from, to } of arrows) graph.setEdge(from, to, {});
  layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  const body = html`${arrows.map((arrow) => arrowMarkup(arrow, graph.edge(arrow.from, arrow.to).points.map(rounded)))}
${nodes.map((node) => box(node.id, shown(node), graph.node(node.id)))}`;
  return { body, width: Math.ceil(width), height: Math.ceil(height) };
}

interface Arrow {
  readonly from: string;
  readonly to: string;
  /** What it says; null for nothing. */
  readonly label: string | null;
  /** Whether it only waits for the end. */
  readonly loose: boolean;
}

function arrowsOf({ id, dependsOn }: WaitingNode): readonly Arrow[] {
  return dependsOn.map((dependency) => {
    const { from, to, type } = edgeOf(id, dependency);
    return { from, to, label: dependency.when ?? (type === 'default' ? null : type), loose: !dependency.required };
  });
}

function box(id: string, { note, title, tone, href }: ShownNode, middle: Point): Markup {
  const [x, y] = [Math.round(middle.x - NODE.width / 2), Math.round(middle.y - NODE.height / 2)];
  const drawn = html`<g class="node ${tone}"><title>${title}</title>
<rect class="box" x="${x}" y="${y}" width="${NODE.width}" height="${NODE.height}" rx="7"/><rect class="mark" x="${x}" y="${y}" width="5" height="${NODE.height}" rx="2"/>
<text class="name" x="${x + 15}" y="${y + 21}">${shorten(id, FITS.name)}</text>
<text class="note" x="${x + 15}" y="${y + 39}">${shorten(note, FITS.note)}</text></g>`;
  return href === null ? drawn : html`<a href="${href}">${drawn}</a>`;
}

/** A dashed line waits only for the end of its node; a branch bears the outcome that takes it. */
function arrowMarkup({ label, loose }: Arrow, points: readonly Point[]): Markup {
  const end = points.at(-1);
  return html`<path class="edge${loose ? ' loose' : ''}" d="${curve(points)}"/>${label !== null && end !== undefined && html`<text class="branch" text-anchor="end" x="${end.x - 5}" y="${end.y - 5}">${label}</text>`}`;
}

function rounded({ x, y }: Point): Point {
  return { x: Math.round(x), y: Math.round(y) };
}

/** From point to point, each time leaving and arriving level. */
function curve(points: readonly Point[]): string {
  return points.slice(1).reduce((path, { x, y }, index) => {
    const before = points[index] ?? { x, y };
    const bend = (before.x + x) / 2;
    return `${path}C${bend} ${before.y} ${bend} ${y} ${x} ${y}`;
  }, `M${points[0]?.x} ${points[0]?.y}`);
}
