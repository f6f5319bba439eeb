import assert from 'node:assert/strict';
import { stateTable } from '../../../domain/graphs/describe-state.ts';
import { settleNode, startGraph, startNodes } from '../../../domain/graphs/graph-state.ts';
import { shortGraph } from '../support/graphs.ts';

describe('stateTable', () => {
  it('shows each node with its agent, status and attempts', () => {
    const graph = shortGraph({ read: [], if: [], cut: ['if=true'], wait: ['read'] });
    const running = startNodes(startGraph(graph), ['read', 'if']);

    const { state } = settleNode(graph, running, 'if', { status: 'ok', attempts: 1, outcome: 'false' });

    assert.equal(
      stateTable(graph, state),
      [
        '| node | agent | status | attempts |',
        '|---|---|---|--:|',
        '| read | worker | running | 1 |',
        '| if | condition | ok (false) | 1 |',
        '| cut | worker | skipped ("if" was false) | 0 |',
        '| wait | worker | pending | 0 |',
      ].join('\n'),
    );
  });
});
