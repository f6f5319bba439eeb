import assert from 'node:assert/strict';
import fc from 'fast-check';
import { type Drawn, layersOf } from '../../../../cli/tasks/page/layers.ts';

/** Acyclic graphs: each node waits for some of those before it. */
const graphs: fc.Arbitrary<Drawn[]> = fc
  .integer({ min: 1, max: 25 })
  .chain((count) =>
    fc
      .tuple(
        ...Array.from({ length: count }, (_, index) =>
          fc.subarray(Array.from({ length: index }, (_, each) => `n${each}`)),
        ),
      )
      .map((waits) => waits.map((after, index) => ({ id: `n${index}`, after }))),
  );

describe('the columns of a graph', () => {
  it('stand a node behind the last one that it waits for', () => {
    const { nodes, columns, rows } = layersOf([
      { id: 'end', after: ['left', 'right', 'begin'] },
      { id: 'begin', after: [] },
      { id: 'left', after: ['begin'] },
      { id: 'right', after: ['begin'] },
    ]);

    const columnOf = (id: string) => nodes.get(id)?.column;
    assert.deepEqual(['begin', 'left', 'right', 'end'].map(columnOf), [0, 1, 1, 2]);
    // The edge that leads past the middle keeps a row of its own there.
    assert.deepEqual([columns, rows], [3, 3]);
  });

  it('let no two nodes and no passing edge share a place, and lead every edge to the right', () => {
    fc.assert(
      fc.property(graphs, (drawn) => {
        const { nodes, ways } = layersOf(drawn);
        const passing = ways.flatMap(({ places }) => places.slice(1, -1));
        const taken = [...nodes.values(), ...passing].map(({ column, row }) => `${column} ${row}`);

        assert.equal(new Set(taken).size, taken.length);
        for (const { places } of ways) {
          assert.deepEqual(
            places.map(({ column }) => column),
            places.map((_, index) => (places[0]?.column ?? 0) + index),
          );
        }
        assert.equal(ways.length, drawn.flatMap(({ after }) => after).length);
      }),
    );
  });

  it('leave out an edge from a node that is not there', () => {
    assert.deepEqual(layersOf([{ id: 'one', after: ['gone'] }]).ways, []);
    assert.deepEqual(layersOf([]), { nodes: new Map(), ways: [], columns: 0, rows: 0 });
  });
});
