import type { GraphDefinition, GraphNode } from '../../domain/graphs/definition.ts';
import { isContainer, labelOf } from '../../domain/graphs/kinds/kind-table.ts';
import { html, type Markup } from '../tasks/page/markup.ts';
import { pictureOf } from './graph-picture.ts';

/** Readable on light and on dark paper, and without any font of its own. */
const STYLE = `.box{fill:#f6f8fa;stroke:#57606a;stroke-width:1.2}.mark{fill:#0969da}.name{fill:#1b1f24;font:600 13px system-ui,sans-serif}
.note,.branch,.within{fill:#5b6470;font:11px system-ui,sans-serif}.within{font-size:13px}.edge{fill:none;stroke:#8c959f;stroke-width:1.3}.loose{stroke-dasharray:5 4}
@media (prefers-color-scheme:dark){.box{fill:#161b22;stroke:#9198a1}.name{fill:#e6edf3}.note,.branch,.within{fill:#9198a1}.mark{fill:#58a6ff}}`;

const TITLE_HEIGHT = 28;

/** Draws a graph as a picture of its own (SVG); under it, the graphs within its containers. */
export function graphSvg(definition: GraphDefinition): string {
  const parts = partsOf(definition, '');
  const width = Math.max(...parts.map((part) => part.width));
  const height = parts.reduce((sum, part) => sum + part.height, 0);
  const placed = parts.map(({ body }, index) => {
    const y = parts.slice(0, index).reduce((sum, part) => sum + part.height, 0);
    return html`<g transform="translate(0 ${y})">${body}</g>`;
  });
  return `${
    html`<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-label="The graph ${definition.name}"><style>${STYLE}</style>
${placed}
</svg>`.text
  }\n`;
}

interface Part {
  readonly body: Markup;
  readonly width: number;
  readonly height: number;
}

function partsOf({ nodes }: GraphDefinition, scope: string): readonly Part[] {
  const { body, width, height } = pictureOf(nodes, (node) => ({
    note: noteOf(node),
    title: node.objective,
    tone: '',
    href: null,
  }));
  const within = nodes.filter(isContainer).flatMap((node) => partsOf(node.graph, `${scope}${node.id}/`));
  if (scope === '') return [{ body, width, height }, ...within];
  const titled = html`<text class="within" x="14" y="20">within ${scope.slice(0, -1)}</text><g transform="translate(0 ${TITLE_HEIGHT})">${body}</g>`;
  return [{ body: titled, width, height: height + TITLE_HEIGHT }, ...within];
}

function noteOf(node: GraphNode): string {
  const label = labelOf(node);
  return label === node.kind ? label : `${node.kind} ${label}`;
}
