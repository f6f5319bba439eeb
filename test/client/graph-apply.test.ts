import assert from 'node:assert/strict';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { behindTheBack } from '../system/acceptance/database.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Script } from '../system/acceptance/script.ts';
import { ended } from '../system/acceptance/views.ts';

const DESK = `
name: desk
description: Answers.
components:
  first: { agent: quick-step, input: { text: /task/text } }
  is-long: { condition: { pointer: /task/text, is: contains, value: long } }
  second: { agent: slow-step, input: { before: /nodes/first }, when: { is-long: true } }
output:
  second: { pointer: /nodes/second, optional: true }
---
name: other-desk
components:
  inner:
    each:
      name: inner
      components: { work: { agent: quick-step, input: { item: /task/item } } }
      output: /nodes/work
    items: /task/items
output: /nodes/inner
`;

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
    const [desk, other] = await apply(DESK);
    const long = await muster.client.submit('desk', { text: 'a long one' });
    const short = await muster.client.submit('desk', { text: 'a brief one' });
    const list = await muster.client.submit('other-desk', { items: [1, 2, 3] });

    assert.deepEqual([desk?.version, desk?.status, other?.created, desk?.warnings], [1, 'active', true, []]);
    assert.deepEqual((await ended(long)).output, { second: { node: 'second' } });
    assert.deepEqual((await ended(short)).output, { second: null });
    assert.equal(((await ended(list)).output as unknown[]).length, 3);
    const { definition } = await muster.client.operations.graphs.show({ graph: 'desk' });
    const quick = definition.nodes.map((node) => 'quick' in node && node.quick);
    assert.deepEqual(quick, [true, false, false], 'what a document does not say is known of other graphs');
  });

  it('C074: saves nothing of a document with one fault', async () => {
    const before = await Promise.all(['agent_graphs', 'agent_components', 'component_connections'].map(stored));
    const dangling = `name: whole\ncomponents: { a: { agent: quick-step } }\noutput: /nodes/a\n---\n${DESK.replace('/nodes/first }', '/nodes/nobody }')}`;

    await assert.rejects(apply(dangling), {
      code: 'graph_invalid',
      message:
        /has one fault.*\n- line \d+, \/components\/second\/input: Node "second" reads unknown node "nobody"\.$/s,
    });

    const after = await Promise.all(['agent_graphs', 'agent_components', 'component_connections'].map(stored));
    assert.deepEqual(after, before);
  });

  it('says in words what changes, and writes nothing in a dry run', async () => {
    const first = DESK.split('---')[0]?.replace('name: desk', 'name: changing') ?? '';
    await apply(first);
    const changed = first
      .replace('description: Answers.', 'description: Answers well.')
      .replace('value: long', 'value: longer')
      .replace('  second: {', '  last: { agent: quick-step, after: [second] }\n  second: {');

    const [dry] = await apply(changed, { dryRun: true });
    const versions = await muster.client.operations.graphs.versions({ graph: 'changing' });
    const [same] = await apply(first, { dryRun: true });

    const changes = [
      'description "Answers." → "Answers well."',
      'last: added (quick-step)',
      'is-long: condition.value "long" → "longer"',
      'second → last: connected (default)',
    ];
    assert.deepEqual(dry?.changes?.toSorted(), changes.toSorted());
    assert.deepEqual([dry?.version, dry?.created, versions.length], [null, true, 1]);
    assert.deepEqual([same?.changes, same?.version, same?.created], [[], 1, false]);
    const { changes: diffed } = await muster.client.operations.graphs.diff({
      from: { graph: 'changing', version: 1 },
      to: { document: changed },
    });
    assert.deepEqual(diffed, dry?.changes);
  });

  it('leaves what is active as a draft, until that is activated', async () => {
    const graph = (agent: string) => `name: drafted\ncomponents: { a: { agent: ${agent} } }\noutput: /nodes/a`;
    await apply(graph('quick-step'));
    const [draft] = await apply(graph('slow-step'), { draft: true });
    const statuses = async () =>
      (await muster.client.operations.graphs.versions({ graph: 'drafted' })).map(({ status }) => status);
    const before = await statuses();

    await muster.client.operations.graphs.activate({ graph: 'drafted', version: 2 });

    assert.equal(draft?.status, 'draft');
    assert.deepEqual(
      [before, await statuses()],
      [
        ['draft', 'active'],
        ['active', 'archived'],
      ],
    );
  });

  it('warns of what no worker hosts, and holds such tasks until one does', async () => {
    const [graph] = await apply('name: unhosted\ncomponents: { a: { agent: nobody-yet } }\noutput: /nodes/a');

    assert.match(
      graph?.warnings.join() ?? '',
      /^Tasks of "unhosted" would wait for a worker that hosts the agent "nobody-yet"/,
    );
  });

  it('names the operation of a component that there is none of', async () => {
    const document = 'name: sly\ncomponents: { a: { tool: queue.nothing } }\noutput: /nodes/a';

    await assert.rejects(apply(document), {
      code: 'graph_invalid',
      message: /the operation queue\.nothing as its tool/,
    });
  });

  it('has one active version of each graph, however many apply documents at once, in any order', async () => {
    const graph = (name: string, width: number) =>
      `{name: ${name}, width: ${width}, components: {a: {agent: quick-step}}, output: /nodes/a}`;
    const documents = [1, 2, 3, 4].map((width) => {
      const graphs = [graph('left', width), graph('right', width)];
      return (width % 2 === 0 ? graphs : graphs.toReversed()).join('\n---\n');
    });

    await Promise.all(documents.map((document) => apply(document)));

    for (const name of ['left', 'right']) {
      const versions = await muster.client.operations.graphs.versions({ graph: name });
      assert.deepEqual(versions.map(({ status }) => status).toSorted(), ['active', 'archived', 'archived', 'archived']);
    }
  });
});
