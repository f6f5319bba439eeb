import assert from 'node:assert/strict';
import { z } from 'zod';
import { openClientStores } from '../../client/open-stores.ts';
import { defineAgent, defineGraph, defineTool, operation } from '../../index.ts';
import { callOperation } from '../../operations/call.ts';
import { publish } from '../../operations/graphs/publish.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { behindTheBack } from '../system/acceptance/database.ts';
import { ended, runOf } from '../system/acceptance/views.ts';

const anything = z.record(z.string(), z.json());

describe('an operation as the tool of a node', function () {
  this.timeout(60_000);
  let muster: MusterUnderTest;

  const greet = defineTool({ name: 'greet', input: anything, output: z.unknown(), handle: () => ({ text: 'Hello.' }) });
  const inner = defineGraph({
    name: 'greeted',
    input: anything,
    nodes: { greet: { tool: greet, input: '/task' } },
    output: '/nodes/greet',
  });
  const outer = defineGraph({
    name: 'submitting',
    input: anything,
    nodes: {
      submit: { tool: operation('tasks.submit'), input: { graph: '/task/graph', input: '/task/input' } },
      list: { operation: 'tasks.list', input: { graph: '/task/graph' }, after: ['submit'] },
    },
    output: '/nodes/list',
  });

  const clerk = defineAgent({
    ...{ name: 'clerk', input: anything, output: z.unknown(), handle: () => ({}) },
    receive: ({ payload }) => ({ heard: payload.word ?? null }),
  });
  const asking = defineGraph({
    name: 'asking',
    input: anything,
    nodes: {
      ask: { tool: operation('messages.request'), input: { agent: { value: 'clerk' }, payload: '/task' } },
    },
    output: '/nodes/ask',
  });

  let isBroken = true;
  const check = defineTool({
    ...{ name: 'check', input: anything, output: z.unknown() },
    handle: () => {
      if (isBroken) throw new Error('broken');
      return {};
    },
  });
  const pausing = defineGraph({
    name: 'pausing',
    input: anything,
    nodes: {
      pause: { tool: operation('queue.pause'), input: { target: '/task/target' } },
      check: { tool: check, input: '/task', after: ['pause'], budget: { maxRetries: 0 } },
    },
    output: '/nodes/check',
  });

  before(async () => {
    muster = await openMuster('operations-as-tools');
    await muster.work({ agents: [clerk], graphs: [inner, outer, asking, pausing] });
  });
  after(() => muster?.close());

  it('is called for the tenant of the task, once, and its answer is the output of the node', async () => {
    const view = await ended(await muster.client.submit('submitting', { graph: 'greeted', input: {} }));

    assert.deepEqual(
      [view.task.status, runOf(view, 'submit').status, runOf(view, 'list').status],
      ['completed', 'ok', 'ok'],
    );
    const rows = await behindTheBack<{ key: string; tenant: string }>(
      muster,
      `select t.idempotency_key as key, t.tenant_id as tenant from muster.tasks t
       join muster.agent_graphs g on g.id = t.graph_id where g.name = 'greeted'`,
      [],
    );
    assert.equal(rows.length, 1);
    assert.ok(rows[0]?.key.startsWith(view.task.id), `the key is ${rows[0]?.key}`);
    assert.equal(rows[0]?.tenant, view.task.tenant);
  });

  it('is done once under the key of its effect, where an attempt died before it was recorded', async () => {
    const task = await muster.client.submit('pausing', { target: 'graph:nothing' });
    await ended(task);
    await behindTheBack(muster, `update muster.activity_effects set state = 'pending' where task_id = '${task.id}'`);
    isBroken = false;
    await muster.client.redrive(task.id);
    const view = await ended(task);

    assert.deepEqual([view.task.status, runOf(view, 'pause').status], ['completed', 'ok']);
    const audited = await behindTheBack(
      muster,
      `select details from muster.audit_log where details ->> 'paused' = 'graph:nothing'`,
    );
    assert.equal(audited.length, 1);
    const keys = await behindTheBack<{ key: string }>(
      muster,
      `select "key" as key from muster.operation_keys where operation = 'queue.pause'`,
    );
    assert.deepEqual(
      keys.map(({ key }) => key.startsWith(task.id)),
      [true],
    );
  });

  it('sends under the lease of its worker, and takes none of its own', async () => {
    const task = await muster.client.submit('asking', { word: 'hello' });

    assert.deepEqual((await task.result()).output, { heard: 'hello' });
    const leases = await behindTheBack(muster, 'select id from muster.agent_leases', []);
    assert.equal(leases.length, 1);
  });

  it('fails the node, with the reason, when it refuses its input', async () => {
    const view = await ended(await muster.client.submit('submitting', { graph: 'no-such-graph', input: {} }));

    assert.equal(view.task.status, 'failed');
    assert.equal(runOf(view, 'submit').error?.code, 'graph_unknown');
  });

  it('is refused when it is not known, by the builder and when the graph is published', async () => {
    assert.throws(() => operation('tasks.forget' as never), { code: 'handler_definition_invalid' });
    const { nodes, ...rest } = outer.definition;
    const unknown = nodes.map((node) => ('handler' in node ? { ...node, handler: 'tasks.forget' } : node));

    await assert.rejects(
      muster.client.publish([{ definition: { ...rest, nodes: unknown }, handlers: [] }]),
      /no operation|there is none of this name/,
    );
  });

  it('is published only by a caller that may call it', async () => {
    const stores = await openClientStores({ environment: muster.environment });
    const caller = {
      ...({ kind: 'service', name: 'publisher', tenant: stores.tenant } as const),
      permissions: new Set(['graphs:publish'] as const),
    };

    await assert.rejects(callOperation(publish, { caller, stores }, { definitions: [outer.definition] }), {
      code: 'permission_denied',
    });
    await callOperation(publish, { caller, stores }, { definitions: [inner.definition] });
    await stores.close();
  });
});
