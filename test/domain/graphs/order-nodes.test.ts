import assert from 'node:assert/strict';
import fc from 'fast-check';
import { nodesBefore, orderNodes } from '../../../domain/graphs/order-nodes.ts';
import { anyGraph, shortGraph } from '../support/graphs.ts';

describe('orderNodes', () => {
  it('puts each node after all that it waits for', () => {
    fc.assert(
      fc.property(anyGraph, ({ nodes }) => {
        const { order, cycle } = orderNodes(nodes);

        assert.equal(cycle, null);
        assert.deepEqual(order.toSorted(), nodes.map((node) => node.id).toSorted());
        for (const node of nodes) {
          for (const dependency of node.dependsOn) assert.ok(order.indexOf(dependency.node) < order.indexOf(node.id));
        }
      }),
    );
  });

  it('names one circle, and only the nodes on it', () => {
    const { nodes } = shortGraph({ a: [], b: ['a', 'd'], c: ['b'], d: ['c'], after: ['d'] });

    const { order, cycle } = orderNodes(nodes);

    assert.deepEqual(order, ['a']);
    assert.deepEqual(cycle, ['b', 'd', 'c']);
  });

  it('sees through a chain of 200 nodes what comes before', () => {
    const chain = Array.from({ length: 200 }, (_, index) => [`n${index}`, index === 0 ? [] : [`n${index - 1}`]]);
    const { nodes } = shortGraph(Object.fromEntries(chain));

    assert.equal(nodesBefore(nodes.toReversed()).get('n199')?.size, 199);
  });
});
