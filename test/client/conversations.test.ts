import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineGraph, hasErrorCode, type Muster, operation } from '../../index.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';

const NOTHING = z.object({});
const leaf = defineGraph({
  name: 'leaf',
  input: NOTHING,
  nodes: { look: { tool: operation('graphs.list'), input: {} } },
  output: {},
});
const submit = { tool: operation('tasks.submit') } as const;
const spawned = { graph: { value: 'leaf' }, input: { value: {} } };
const branch = defineGraph({
  name: 'branch',
  input: NOTHING,
  nodes: {
    same: { ...submit, input: spawned },
    other: { ...submit, input: { ...spawned, conversation: { value: 'other' } } },
  },
  output: {},
});
const ids = (tasks: readonly { readonly id: string }[]) => new Set(tasks.map(({ id }) => id));

describe('the tasks of a conversation', function () {
  this.timeout(120_000);
  let muster: MusterUnderTest;
  let client: Muster;

  before(async () => {
    muster = await openMuster('conversations');
    client = muster.client;
    await client.publish([leaf, branch]);
  });
  after(() => muster?.close());

  it('are found by it, one by one and in batches', async () => {
    const one = await client.submit('leaf', {}, { conversation: 'talk' });
    const [two, none] = await client.submitMany('leaf', [{ input: {}, conversation: 'talk' }, { input: {} }]);

    const found = await client.tasks({ conversation: 'talk' });

    assert.deepEqual(ids(found), ids([one, two ?? one]));
    assert.equal((await one.show()).task.conversation, 'talk');
    assert.equal((await none?.read())?.conversation, null);
  });

  it('have an id of at most 200 characters', async () => {
    await client.submit('leaf', {}, { conversation: 'c'.repeat(200) });

    await assert.rejects(
      client.submit('leaf', {}, { conversation: 'c'.repeat(201) }),
      (error) => hasErrorCode(error) && error.code === 'option_invalid',
    );
  });

  it('spawn tasks of the same one, unless these name another, and so does a series', async () => {
    await muster.work({ graphs: [leaf, branch] });

    const root = await client.submit('branch', {}, { conversation: 'family' });
    const first = await client.submit('leaf', {}, { conversation: 'series', repeat: { every: 'daily' } });

    await eventually(async () => {
      assert.equal((await root.read()).status, 'completed');
      assert.equal((await client.tasks({ conversation: 'family' })).length, 2);
      assert.equal((await client.tasks({ conversation: 'other' })).length, 1);
      const series = await client.tasks({ conversation: 'series' });
      assert.ok(series.some(({ predecessorId }) => predecessorId === first.id));
    });
  });
});
