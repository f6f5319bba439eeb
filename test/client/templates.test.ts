import assert from 'node:assert/strict';
import { shippedTemplates } from '../../agents/templates/index.ts';
import type { Muster } from '../../index.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { behindTheBack } from '../system/acceptance/database.ts';

const CAREFUL = `
name: careful
kind: guardrail
description: Bans what everybody bans.
schema:
  properties:
    guardrail:
      properties:
        bannedPhrases: { type: array, maxItems: 3 }
defaults:
  guardrail: { bannedPhrases: [password] }
---
name: desk
category: support
tags: [desk, short]
components:
  check: { from: careful, input: { text: /task/text } }
  say: { prompt: 'You said {{text}}.', input: { text: /task/text }, guardedBy: [check] }
output: /nodes/say
`;

describe('templates', () => {
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('templates');
    await muster.work();
    await muster.client.operations.templates.save({ document: CAREFUL });
  });
  after(() => muster?.close());

  const componentIds = async (graph: string) => {
    const query = `select c.id from muster.agent_components c join muster.agent_graphs g on g.id = c.graph_id where g.name = $1
      union all select c.id from muster.component_connections c join muster.agent_graphs g on g.id = c.graph_id where g.name = $1`;
    return (await behindTheBack<{ id: string }>(muster, query, [graph])).map(({ id }) => id);
  };
  const use = (name: string, more: object = {}, client: Muster = muster.client) =>
    client.operations.templates.use({ template: 'desk', name, ...more });
  const said = async (graph: string, text: string) => {
    const task = await (await muster.connect()).submit(graph, { text });
    return task.result().then(
      ({ output }) => output,
      ({ failure }) => failure?.code,
    );
  };

  it('C078: make graphs with ids of their own, which run by themselves', async () => {
    const [one, two] = [await use('desk-one'), await use('desk-two')];

    const ids = await Promise.all(['desk-one', 'desk-two'].map(componentIds));
    assert.deepEqual([one.status, one.revision, two.template], ['active', 1, 'desk']);
    assert.deepEqual(
      ids.map((all) => new Set(all).size),
      [3, 3],
    );
    assert.equal(new Set(ids.flat()).size, 6);
    assert.deepEqual(await said('desk-one', 'hello'), { text: 'You said hello.' });
    assert.equal(await said('desk-two', 'my password is x'), 'guardrail_blocked');
    const [version] = await muster.client.operations.graphs.versions({ graph: 'desk-one' });
    assert.deepEqual(version?.metadata, { template: 'desk', revision: 1 });
  });

  it('C078: leave what was made from them as it is when they change', async () => {
    const before = (await muster.client.operations.graphs.show({ graph: 'desk-one' })).definition;
    const changed = CAREFUL.replace('[password]', '[secret]').replace('You said', 'I heard');

    const { templates } = await muster.client.operations.templates.save({ document: changed });
    const again = await muster.client.operations.templates.save({ document: changed });
    await use('desk-three');

    assert.deepEqual(
      templates.map(({ name, revision }) => [name, revision]),
      [
        ['careful', 2],
        ['desk', 2],
      ],
    );
    assert.deepEqual(again.templates, templates, 'the same again is no revision');
    assert.deepEqual((await muster.client.operations.graphs.show({ graph: 'desk-one' })).definition, before);
    assert.deepEqual(await said('desk-three', 'my password'), { text: 'I heard my password.' });
    const { agents } = await muster.client.operations.templates.list({});
    assert.equal(agents.find(({ name }) => name === 'desk')?.uses, 3);
  });

  it('C078: refuse a name that is taken, also by one of two at the same moment, and write nothing then', async () => {
    await assert.rejects(use('desk-one'), { code: 'graph_exists' });
    const ends = await Promise.allSettled([use('raced'), use('raced'), use('raced')]);

    const codes = ends.map((end) => (end.status === 'rejected' ? end.reason.code : 'made'));
    assert.deepEqual(codes.toSorted(), ['graph_exists', 'graph_exists', 'made']);
    const versions = await muster.client.operations.graphs.versions({ graph: 'raced' });
    assert.deepEqual(
      versions.map(({ version }) => version),
      [1],
    );
  });

  it('C077: fill in what is left out, and hold the rest to their schema, with its place', async () => {
    await use('many', { set: { '/components/check/guardrail': { bannedPhrases: ['a', 'b'] } } });
    const { definition } = await muster.client.operations.graphs.show({ graph: 'many' });
    const [check] = definition.nodes;

    assert.deepEqual(check?.kind === 'guardrail' && check.guardrail, { bannedPhrases: ['a', 'b'] });
    const document = `name: bad\ncomponents:\n  check:\n    from: careful\n    guardrail:\n      bannedPhrases: [a, b, c, d]\n    input: { text: /task/text }\noutput: /nodes/check`;
    await assert.rejects(muster.client.operations.graphs.apply({ document }), {
      code: 'graph_invalid',
      message:
        /has one fault.*\n- line 6, \/components\/check\/guardrail\/bannedPhrases: It does not fit the template "careful"/s,
    });
    const unknown = document.replace('careful', 'carful');
    await assert.rejects(muster.client.operations.graphs.apply({ document: unknown }), {
      message: /line 4, \/components\/check\/from: There is no component template "carful"\. Did you mean "careful"\?/,
    });
  });

  it('let what is set win over what they say, and refuse places that they do not have', async () => {
    await use('polite', {
      set: { '/components/say/prompt': 'Dear {{text}}', '/description': 'Is polite.', '/width': 1 },
    });

    assert.deepEqual(await said('polite', 'you'), { text: 'Dear you' });
    await assert.rejects(use('lost', { set: { '/components/nobody/prompt': 'x' } }), { code: 'option_invalid' });
    await assert.rejects(use('lost', { set: { '/components/say/prompt': 7 } }), { code: 'graph_invalid' });
    await assert.rejects(muster.client.operations.graphs.versions({ graph: 'lost' }), { code: 'graph_unknown' });
  });

  it("are the own of a tenant, or everybody's", async () => {
    const [other, system] = [await muster.connect({ tenant: 'other' }), await muster.connect({ tenant: 'system' })];
    for (const document of shippedTemplates()) await system.operations.templates.save({ document });
    await assert.rejects(use('stolen', {}, other), { code: 'template_unknown', message: /no template "desk"/ });

    const made = await other.operations.templates.use({ template: 'customer-support', name: 'help', draft: true });

    assert.deepEqual([made.status, made.changes], ['draft', null]);
    await eventually(async () => {
      const { agents } = await system.operations.templates.list({});
      assert.equal(agents.find(({ name }) => name === 'customer-support')?.uses, 1);
    });
    await assert.rejects(muster.client.operations.graphs.versions({ graph: 'help' }), { code: 'graph_unknown' });
    for (const template of ['package-tracking', 'order-tracking', 'store-finder']) {
      const used = await other.operations.templates.use({ template, name: `own-${template}`, draft: true });
      assert.match(used.warnings.join(), /would wait for a worker that hosts/);
    }
  });
});
