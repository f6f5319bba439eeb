import assert from 'node:assert/strict';
import type { GraphNode } from '../../domain/graphs/definition.ts';
import { budgetOf } from '../../domain/graphs/kinds/kind-table.ts';
import { defineGraph, type Graph } from '../../index.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { behindTheBack } from '../system/acceptance/database.ts';
import { scriptedAgents, scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Gate, Script } from '../system/acceptance/script.ts';
import { ended, runOf } from '../system/acceptance/views.ts';

type Definition = Graph['definition'];

describe('a published graph', () => {
  const script = new Script();
  const { single, chain, swift } = scriptedGraphs(script);
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('publish');
    await muster.work({ graphs: [single, chain, swift] });
  });
  after(() => muster?.close());
  beforeEach(() => script.reset());

  const versions = async (name: string) => {
    const query = 'select version from muster.agent_graphs where name = $1 order by version';
    return (await behindTheBack<{ version: number }>(muster, query, [name])).map((row) => row.version);
  };
  const changed = (name: string, change: Partial<Definition> = {}): Graph => ({
    definition: { ...chain.definition, name, ...change },
    handlers: chain.handlers,
  });

  it('stays one version while it is unchanged, and becomes the next one with a change', async () => {
    await muster.client.publish([changed('versions')]);
    await muster.client.publish([changed('versions')]);
    const unchanged = await versions('versions');
    await muster.client.publish([changed('versions', { width: 3 })]);

    assert.deepEqual(unchanged, [1]);
    assert.deepEqual(await versions('versions'), [1, 2]);
    assert.equal((await muster.client.graphs()).find((graph) => graph.name === 'versions')?.version, 2);
  });

  it('C074: is refused with what dangles, and nothing of it or beside it is saved', async () => {
    const [first, ...others] = chain.definition.nodes;
    assert.ok(first !== undefined);
    const dangling = changed('dangling', {
      nodes: [{ ...first, dependsOn: [{ node: 'nobody', required: true }] }, ...others],
    });

    await assert.rejects(muster.client.publish([changed('beside'), dangling]), {
      code: 'graph_invalid',
      message: /dangling.*nobody/s,
    });
    assert.deepEqual([await versions('dangling'), await versions('beside')], [[], []]);
  });

  it('checks submits by its own version of an input schema, also where both versions have one $id', async () => {
    const first = { $id: 'https://example.com/note', type: 'object', required: ['title'] };
    await muster.client.publish([changed('noted', { inputSchema: first })]);
    const taken = [await muster.client.submit('noted', { title: 'a' })];
    await muster.client.publish([changed('noted', { inputSchema: { ...first, required: ['text'] } })]);
    const submit = async () => taken.push(await muster.client.submit('noted', { title: 'a' }));

    await eventually(async () => {
      await assert.rejects(submit(), { code: 'input_invalid', message: /required property 'text'/ });
    });
    await Promise.all(taken.map((task) => task.result()));
  });

  it('is refused with the place of a pattern or a type by which no submit could be checked', async () => {
    const publish = (a: object) =>
      muster.client.publish([changed('unusable', { inputSchema: { properties: { a } } as Definition['inputSchema'] })]);

    const code = 'graph_invalid';
    await assert.rejects(publish({ pattern: '[\\w-.]' }), { code, message: /\/inputSchema\/properties\/a\/pattern: / });
    await assert.rejects(publish({ type: 'strin' }), { code, message: /\/inputSchema\/properties\/a\/type: / });
    assert.deepEqual(await versions('unusable'), []);
  });

  it('C004: is refused for a cycle, an edge that no node depends on, and budgets out of range', async () => {
    const [first, second] = chain.definition.nodes;
    assert.ok(first !== undefined && second !== undefined);
    const faulty: Partial<Definition>[] = [
      { nodes: [{ ...first, dependsOn: [{ node: 'second', required: true }] }, second] },
      { edges: [...chain.definition.edges, { from: 'second', to: 'first', type: 'default' }] },
      { nodes: [{ ...first, budget: { ...budgetOf(first), timeoutMs: 300_001 } } as GraphNode, second] },
      { nodes: [{ ...first, budget: { ...budgetOf(first), maxRetries: 4 } } as GraphNode, second] },
      { version: 'v0' },
    ];

    for (const change of faulty) {
      await assert.rejects(muster.client.publish([changed('faulty', change)]), { code: 'graph_invalid' });
    }
    assert.deepEqual(await versions('faulty'), []);
  });

  it('is kept by the tasks that were submitted with it', async () => {
    const gate = new Gate();
    script.on('first', gate.pass);
    const { slow } = scriptedAgents(script);
    const task = await muster.client.submit('chain', {});
    await eventually(() => script.calls.length === 1);
    const shorter = defineGraph({
      name: 'chain',
      input: slow.input,
      nodes: { only: { agent: slow, input: '/task' } },
      output: '/nodes/only',
    });

    await muster.client.publish([shorter]);
    gate.open();
    const old = await ended(task);
    const fresh = await muster.connect();
    const renewed = await ended(await fresh.submit('chain', {}));

    assert.deepEqual(old.output, { node: 'second' });
    assert.deepEqual(renewed.output, { node: 'only' });
    assert.deepEqual(
      renewed.traces[0]?.runs.map((run) => run.nodeId),
      ['only'],
    );
  });

  it('is carried out by a worker that hosts its handlers, no matter who published it', async () => {
    await muster.client.publish([changed('by-handlers')]);

    const view = await ended(await muster.client.submit('by-handlers', {}));

    assert.equal(view.task.status, 'completed');
  });

  it('fails its tasks as stored_row_invalid when its rows were tampered with, and holds nothing else up', async () => {
    await muster.client.publish([changed('tampered')]);
    await behindTheBack(
      muster,
      `set session_replication_role = replica;
      update muster.agent_components set configuration = '{"input":{"whole":{"pointer":"../../secrets"}}}'
        where node_id = 'second' and graph_id = (select id from muster.agent_graphs where name = 'tampered')`,
    );

    const task = await muster.client.submit('tampered', {});
    const view = await ended(task);
    const other = await ended(await muster.client.submit('single', {}));

    assert.equal(view.task.status, 'failed');
    assert.equal(view.task.error?.code, 'stored_row_invalid');
    assert.deepEqual(
      script.calls.map((call) => call.taskId),
      [other.task.id],
    );
    assert.equal(runOf(other, 'work').status, 'ok');
  });
});
