import type { TaskView } from '../../../client.ts';
import { formatSpan, shorten } from '../../output/formatting.ts';
import { type Layers, layersOf, type Place, type Way } from './layers.ts';
import { html, type Markup } from './markup.ts';
import { type NodeState, toneOf } from './node-states.ts';

type Outline = TaskView['traces'][number]['nodes'][number];

/** What the figure of a graph is made of. */
export interface FigureParts {
  readonly nodes: readonly Outline[];
  /** Where the graph stands: empty for the task's own, `draft/` within the container `draft`. */
  readonly scope: string;
  readonly states: ReadonlyMap<string, NodeState>;
  /** The address within the page of what a node's run said; null for none. */
  readonly hrefOf: (path: string) => string | null;
}

/** Sizes in pixels. */
const NODE = { width: 190, height: 52 };
const GAP = { column: 62, row: 20 };
const MARGIN = 14;
/** How wide the page shows a figure. One that is up to so wide is made smaller; a wider one is scrolled. */
const WIDTH = { shown: 1_150, shrunk: 1_700 };
/** Characters that fit into a node, in its larger and its smaller letters. */
const FITS = { name: 22, note: 29 };

/** Draws a graph from left to right, each node in the colour of its state; under it, the graphs within its containers. */
export function graphFigure(parts: FigureParts): Markup {
  const { nodes, scope, states } = parts;
  const layers = layersOf(nodes.map(({ id, dependsOn }) => ({ id, after: dependsOn.map(({ node }) => node) })));
  const [width, height] = [end(layers.columns, NODE.width, GAP.column), end(layers.rows, NODE.height, GAP.row)];
  const within = nodes.filter(({ inner }) => inner.length > 0);
  return html`<figure>${scope !== '' && html`<figcaption>within <b>${scope.slice(0, -1)}</b>: ${countText(states.get(scope.slice(0, -1)))}</figcaption>`}
<div class="scroll"><svg class="graph${width > WIDTH.shown && width <= WIDTH.shrunk ? ' fit' : ''}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="The graph and the states of its nodes">
${layers.ways.map((way) => edge(way, nodes))}
${nodes.map((node) => box(node, layers, parts))}
</svg></div></figure>
${within.map(({ id, inner }) => graphFigure({ ...parts, nodes: inner, scope: `${scope}${id}/` }))}`;
}

function end(count: number, size: number, gap: number): number {
  return MARGIN * 2 + Math.max(0, count * (size + gap) - gap);
}

function left({ column }: Place): number {
  return MARGIN + column * (NODE.width + GAP.column);
}

function top({ row }: Place): number {
  return MARGIN + row * (NODE.height + GAP.row);
}

function box(node: Outline, { nodes }: Layers, { scope, states, hrefOf }: FigureParts): Markup {
  const place = nodes.get(node.id) ?? { column: 0, row: 0 };
  const path = `${scope}${node.id}`;
  const state = states.get(path);
  const [x, y] = [left(place), top(place)];
  const status = state?.status ?? 'not begun';
  const drawn = html`<g class="node ${toneOf(status)}"><title>${path}: ${node.kind}${node.calls === null ? '' : ` ${node.calls}`}, ${status}</title>
<rect class="box" x="${x}" y="${y}" width="${NODE.width}" height="${NODE.height}" rx="7"/><rect class="mark" x="${x}" y="${y}" width="5" height="${NODE.height}" rx="2"/>
<text class="name" x="${x + 15}" y="${y + 21}">${shorten(node.id, FITS.name)}</text>
<text class="note" x="${x + 15}" y="${y + 39}">${shorten(noteOf(node, state), FITS.note)}</text></g>`;
  const href = hrefOf(path);
  return href === null ? drawn : html`<a href="${href}">${drawn}</a>`;
}

function noteOf({ kind }: Outline, state: NodeState | undefined): string {
  const [run] = state?.runs ?? [];
  if (state === undefined || run === undefined) return `${kind} · not begun`;
  if (state.runs.length > 1) return `${state.ended} of ${state.runs.length} · ${state.status}`;
  const took = formatSpan(run.startedAt, run.finishedAt);
  return took === '' ? state.status : `${state.status} · ${took}`;
}

function countText(state: NodeState | undefined): string {
  return state === undefined ? 'not begun' : state.status;
}

/** A dashed line waits only for the end of its node; a branch bears the outcome that takes it, a guard and a fallback their name. */
function edge({ from, to, places }: Way, nodes: readonly Outline[]): Markup {
  const dependency = nodes.find(({ id }) => id === to)?.dependsOn.find(({ node }) => node === from);
  const label = dependency?.when ?? dependency?.type ?? null;
  const last = places.at(-1);
  return html`<path class="edge${dependency?.required === false ? ' loose' : ''}" d="${curve(places)}"/>${label !== null && last !== undefined && html`<text class="branch" text-anchor="end" x="${left(last) - 5}" y="${middle(last) - 5}">${label}</text>`}`;
}

function middle(place: Place): number {
  return top(place) + NODE.height / 2;
}

/** Through the columns between, an edge runs straight. */
function curve(places: readonly Place[]): string {
  return places.slice(1).reduce((path, place, index) => {
    const before = places[index] ?? place;
    const [fromX, fromY, toX, toY] = [left(before) + NODE.width, middle(before), left(place), middle(place)];
    const bend = (fromX + toX) / 2;
    const start = index === 0 ? `M${fromX} ${fromY}` : `L${fromX} ${fromY}`;
    return `${path}${start}C${bend} ${fromY} ${bend} ${toY} ${toX} ${toY}`;
  }, '');
}
