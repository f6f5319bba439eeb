import assert from 'node:assert/strict';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { behindTheBack } from '../system/acceptance/database.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Script } from '../system/acceptance/script.ts';
import { ended } from '../system/acceptance/views.ts';

const desk = (name = 'desk', word = 'long') => ({
  ...{ name, description: 'Answers.' },
  components: {
    first: { agent: 'quick-step', input: { text: '/task/text' } },
    'is-long': { condition: { pointer: '/task/text', is: 'contains', value: word } },
    second: { agent: 'slow-step', input: { before: '/nodes/first' }, when: { 'is-long': true } },
  },
  output: { second: { pointer: '/nodes/second', optional: true } },
});
const other = {
  name: 'other-desk',
  components: {
    inner: {
      each: {
        name: 'inner',
        components: { work: { agent: 'quick-step', input: { item: '/task/item' } } },
        output: '/nodes/work',
      },
      items: '/task/items',
    },
  },
  output: '/nodes/inner',
};

describe('a document of graphs that is applied', () => {
  const script = new Script();
  const { swift, chain } = scriptedGraphs(script);
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('graph apply');
    await muster.work({ graphs: [swift, chain] });
  });
  after(() => muster?.close());
  beforeEach(() => script.reset());

  const apply = (document: string, more: { dryRun?: boolean; draft?: boolean } = {}) =>
    muster.client.operations.graphs.apply({ document, ...more }).then(({ graphs }) => graphs);
  const stored = async (table: string) => {
    const [row] = await behindTheBack<{ count: number }>(muster, `select count(*)::int from muster.${table}`);
    return row?.count;
  };

  it('C074: runs as it is written, the same whether it is published or applied', async () => {
    const [first, second] = await apply(JSON.stringify([desk(), other]));
    const long = await muster.client.submit('desk', { text: 'a long one' });
    const short = await muster.client.submit('desk', { text: 'a brief one' });
    const list = await muster.client.submit('other-desk', { items: [1, 2, 3] });

    assert.deepEqual([first?.version, first?.status, second?.created, first?.warnings], [1, 'active', true, []]);
    assert.deepEqual((await ended(long)).output, { second: { node: 'second' } });
    assert.deepEqual((await ended(short)).output, { second: null });
    assert.equal(((await ended(list)).output as unknown[]).length, 3);
    const { definition } = await muster.client.operations.graphs.show({ graph: 'desk' });
    const quick = definition.nodes.map((node) => 'quick' in node && node.quick);
    assert.deepEqual(quick, [true, false, false], 'what a document does not say is known of other graphs');
  });

  it('C074: saves nothing of a document with one fault', async () => {
    const before = await Promise.all(['agent_graphs', 'agent_components', 'component_connections'].map(stored));
    const whole = { name: 'whole', components: { a: { agent: 'quick-step' } }, output: '/nodes/a' };
    const dangling = JSON.stringify([whole, desk('torn')]).replace('"/nodes/first"', '"/nodes/nobody"');

    await assert.rejects(apply(dangling), {
      code: 'graph_invalid',
      message: /has one fault.*\n- \/1\/components\/second\/input: Node "second" reads unknown node "nobody"\.$/s,
    });

    const after = await Promise.all(['agent_graphs', 'agent_components', 'component_connections'].map(stored));
    assert.deepEqual(after, before);
  });
});
