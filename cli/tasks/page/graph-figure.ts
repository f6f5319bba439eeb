import type { TaskView } from '../../../client.ts';
import { pictureOf, type ShownNode } from '../../graphs/graph-picture.ts';
import { formatSpan } from '../../output/formatting.ts';
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

/** How wide the page shows a figure. One that is up to so wide is made smaller; a wider one is scrolled. */
const WIDTH = { shown: 1_150, shrunk: 1_700 };
/** Draws a graph from left to right, each node in the colour of its state; under it, the graphs within its containers. */
export function graphFigure(parts: FigureParts): Markup {
  const { nodes, scope, states } = parts;
  const { body, width, height } = pictureOf(nodes, (node) => shownNode(node, parts));
  const within = nodes.filter(({ inner }) => inner.length > 0);
  return html`<figure>${scope !== '' && html`<figcaption>within <b>${scope.slice(0, -1)}</b>: ${countText(states.get(scope.slice(0, -1)))}</figcaption>`}
<div class="scroll"><svg class="graph${width > WIDTH.shown && width <= WIDTH.shrunk ? ' fit' : ''}" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="The graph and the states of its nodes">
${body}
</svg></div></figure>
${within.map(({ id, inner }) => graphFigure({ ...parts, nodes: inner, scope: `${scope}${id}/` }))}`;
}

function shownNode(node: Outline, { scope, states, hrefOf }: FigureParts): ShownNode {
  const path = `${scope}${node.id}`;
  const state = states.get(path);
  const status = state?.status ?? 'not begun';
  return {
    note: noteOf(node, state),
    title: `${path}: ${node.kind}${node.calls === null ? '' : ` ${node.calls}`}, ${status}`,
    tone: toneOf(status),
    href: hrefOf(path),
  };
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
