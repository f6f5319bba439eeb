import assert from 'node:assert/strict';
import { defineGraph, type Graph, type Muster } from '../../index.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { behindTheBack } from '../system/acceptance/database.ts';
import { scriptedAgents, scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Gate, Script } from '../system/acceptance/script.ts';
import { ended } from '../system/acceptance/views.ts';

describe('the life of a version of a graph', () => {
  const script = new Script();
  const { chain } = scriptedGraphs(script);
  const { slow } = scriptedAgents(script);
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('graph life');
    await muster.work({ graphs: [chain] });
  });
  after(() => muster?.close());
  beforeEach(() => script.reset());

  const only = (name: string): Graph =>
    defineGraph({ name, input: slow.input, nodes: { only: { agent: slow, input: '/task' } }, output: '/nodes/only' });
  const changed = (name: string, width: number): Graph => ({
    ...chain,
    definition: { ...chain.definition, name, width },
  });
  const states = async (name: string, client: Muster = muster.client) => {
    const versions = await client.operations.graphs.versions({ graph: name });
    return Object.fromEntries(versions.map(({ version, status }) => [version, status]));
  };
  const actions = async (name: string) => {
    const query = `select action, details->>'version' as version from muster.audit_log where subject_type = 'graph' and details->>'graph' = $1
      order by created_at, id`;
    const rows = await behindTheBack<{ action: string; version: string }>(muster, query, [name]);
    return rows.map(({ action, version }) => `${action} ${version}`);
  };

  it('makes the active version the one that new clients submit, and archives the one before', async () => {
    await muster.client.publish([changed('moved', 2)]);
    await muster.client.publish([only('moved')]);
    const published = await states('moved');

    const move = await muster.client.operations.graphs.activate({ graph: 'moved', version: 1 });
    const again = await muster.client.operations.graphs.activate({ graph: 'moved', version: 1 });
    const task = await (await muster.connect()).submit('moved', {});

    assert.deepEqual(published, { 1: 'archived', 2: 'active' });
    assert.deepEqual(await states('moved'), { 1: 'active', 2: 'archived' });
    assert.deepEqual([move.repeated, again.repeated], [false, true]);
    assert.deepEqual(await task.result().then(({ output }) => output), { node: 'second' });
    assert.deepEqual(await actions('moved'), ['graph.published 1', 'graph.published 2', 'graph.activated 1']);
  });

  it('activates an archived version that is published again, and writes it only once', async () => {
    for (const width of [2, 3, 2]) await muster.client.publish([changed('returned', width)]);

    assert.deepEqual(await states('returned'), { 1: 'active', 2: 'archived' });
  });

  it('leaves running tasks the version that they began with', async () => {
    await muster.client.publish([changed('running', 2)]);
    await muster.client.publish([only('running')]);
    const gate = new Gate();
    script.on('only', gate.pass);
    const task = await (await muster.connect()).submit('running', {});
    await eventually(() => script.calls.length === 1);

    await muster.client.operations.graphs.activate({ graph: 'running', version: 1 });
    gate.open();

    assert.deepEqual((await ended(task)).output, { node: 'only' });
  });

  it('takes a name out of use with its active version, which is still shown', async () => {
    await muster.client.publish([changed('retired', 2)]);

    await muster.client.operations.graphs.archive({ graph: 'retired', version: 1 });

    const fresh = await muster.connect();
    await assert.rejects(fresh.submit('retired', {}), { code: 'graph_unknown' });
    assert.ok(!(await muster.client.graphs()).some(({ name }) => name === 'retired'));
    const shown = await muster.client.operations.graphs.show({ graph: 'retired', version: 1 });
    assert.deepEqual([shown.status, shown.definition.width], ['archived', 2]);
  });

  it('has one active version, however many are activated and published at once', async () => {
    const versions = [1, 2, 3, 4, 5].map((width) => changed('contended', width));
    for (const graph of versions) await muster.client.publish([graph]);
    const other = await muster.connect();

    await Promise.all([
      ...[1, 2, 3, 4].map((version) => other.operations.graphs.activate({ graph: 'contended', version })),
      ...versions.map((graph) => muster.client.publish([graph])),
      other.publish([changed('contended', 6)]),
      other.operations.graphs.archive({ graph: 'contended', version: 5 }),
    ]);

    const active = Object.values(await states('contended')).filter((status) => status === 'active');
    assert.deepEqual([active.length, Object.keys(await states('contended')).length], [1, 6]);
  });

  it('is whole while a worker that brings a graph starts and a person activates another version of it', async () => {
    const system = await muster.connect({ tenant: 'system' });
    await system.publish([changed('brought', 2)]);
    const brings = { ...only('brought'), handlers: chain.handlers };

    const [worker] = await Promise.all([
      muster.work({ graphs: [brings] }),
      system.operations.graphs.activate({ graph: 'brought', version: 1 }),
    ]);
    await worker.stop();

    const after = await states('brought', system);
    assert.deepEqual(Object.values(after).toSorted(), ['active', 'archived']);
    await muster.client.submit('brought', {}).then((task) => task.result());
  });

  it('says which versions there are, and keeps a tenant from those of others and of all', async () => {
    await muster.client.publish([changed('private', 2)]);
    const other = await muster.connect({ tenant: 'other' });
    const activate = (client: Muster, graph: string, version: number) =>
      client.operations.graphs.activate({ graph, version });

    await assert.rejects(activate(muster.client, 'private', 9), {
      code: 'graph_version_unknown',
      message: /no version 9 of the graph "private".*There are 1\./,
    });
    await assert.rejects(activate(other, 'private', 1), { code: 'graph_version_unknown' });
    await assert.rejects(activate(other, 'chain', 1), { code: 'graph_version_unknown', message: /tenant "system"/ });
    await assert.rejects(other.operations.graphs.versions({ graph: 'private' }), { code: 'graph_unknown' });
    assert.deepEqual(await states('chain', other), { 1: 'active' });
  });
});
