import assert from 'node:assert/strict';
import fc from 'fast-check';
import colors from 'picocolors';
import { pictureOf } from '../../../cli/graphs/graph-picture.ts';
import { graphText } from '../../../cli/graphs/graph-text.ts';
import { validateGraph } from '../../../domain/graphs/validate-graph.ts';
import { kindPictures } from '../../../scripts/draw-kinds.ts';
import { readText } from '../../architecture/source-files.ts';

/** Acyclic graphs: each node waits for some of those before it. */
const graphs = fc
  .integer({ min: 1, max: 25 })
  .chain((count) =>
    fc.tuple(
      ...Array.from({ length: count }, (_, index) =>
        fc.subarray(Array.from({ length: index }, (_, each) => `n${each}`)),
      ),
    ),
  )
  .map((waits) =>
    waits.map((names, index) => ({
      id: `n${index}`,
      dependsOn: names.map((node) => ({ node, required: true })),
    })),
  );
const shown = () => ({ note: '', title: '', tone: '', href: null });
const boxes = (svg: string) =>
  [...svg.matchAll(/<rect class="box" x="(\d+)" y="(\d+)" width="(\d+)" height="(\d+)"/g)].map(([, ...numbers]) => {
    const [x = 0, y = 0, width = 0, height = 0] = numbers.map(Number);
    return { x, y, right: x + width, bottom: y + height };
  });

describe('the picture of a graph', () => {
  it('stands every node right of those that it waits for, in a place of its own, within its size', () => {
    fc.assert(
      fc.property(graphs, (nodes) => {
        const { body, width, height } = pictureOf(nodes, shown);
        const drawn = boxes(body.text);
        const at = (id: string) => drawn[nodes.findIndex((node) => node.id === id)];

        assert.equal(drawn.length, nodes.length);
        for (const [index, one] of drawn.entries()) {
          assert.ok(one.x >= 0 && one.y >= 0 && one.right <= width && one.bottom <= height);
          const apart = drawn.slice(index + 1).every((other) => {
            return one.right <= other.x || other.right <= one.x || one.bottom <= other.y || other.bottom <= one.y;
          });
          assert.ok(apart, 'two nodes share a place');
        }
        for (const { id, dependsOn } of nodes) {
          for (const { node } of dependsOn) assert.ok((at(node)?.right ?? 0) < (at(id)?.x ?? 0));
        }
        assert.equal(body.text.match(/<path/g)?.length ?? 0, nodes.flatMap(({ dependsOn }) => dependsOn).length);
      }),
      { numRuns: 40 },
    );
  });

  it('leaves out an arrow from a node that is not there, and draws a graph without nodes', () => {
    const { body } = pictureOf([{ id: 'one', dependsOn: [{ node: 'gone', required: true }] }], shown);

    assert.doesNotMatch(body.text, /<path/);
    assert.equal(boxes(pictureOf([], shown).body.text).length, 0);
  });

  it('of each kind of node in docs/images/kinds/ is what `node scripts/draw-kinds.ts` draws', () => {
    for (const [path, picture] of kindPictures()) assert.equal(readText(path), picture, path);
  });
});

describe('a graph in a terminal', () => {
  it('has a line for each node, in layers, with what it does and what it waits for', () => {
    const node = (id: string, handler: string, dependsOn: readonly object[] = []) => {
      const budget = { timeoutMs: 1, maxRetries: 0, inputTokens: 1, outputTokens: 1 };
      return { id, kind: 'agent', objective: '', handler, quick: false, input: { fields: {} }, budget, dependsOn };
    };
    const wait = (id: string, required = true) => ({ node: id, required });
    const graph = validateGraph({
      ...{ version: 'v1', name: 'drawn', description: '', width: 1, inputSchema: null, documentProperty: null },
      output: { fields: {} },
      nodes: [
        node('read', 'reader'),
        node('left', 'one', [wait('read')]),
        node('right', 'two', [wait('read')]),
        node('end', 'last', [wait('left'), wait('right', false)]),
      ],
      edges: [
        ['read', 'left'],
        ['read', 'right'],
        ['left', 'end'],
        ['right', 'end'],
      ].map(([from, to]) => ({ from, to, type: 'default' })),
    });

    assert.ok(graph.ok);
    assert.equal(
      graphText(graph.definition, colors.createColors(false)),
      [
        '─ read   agent reader',
        '│',
        '┬ left   agent one  ← read',
        '└ right  agent two  ← read',
        '│',
        '─ end    agent last  ← left, right?',
      ].join('\n'),
    );
  });
});
