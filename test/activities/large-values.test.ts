import assert from 'node:assert/strict';
import type { Client } from '@temporalio/client';
import type { TaskHandle } from '../../index.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { behindTheBack } from '../system/acceptance/database.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Script } from '../system/acceptance/script.ts';
import { ended, runOf } from '../system/acceptance/views.ts';

const PAYLOAD_LIMIT = 64 * 1024;

describe('a large value', () => {
  const script = new Script();
  const graphs = scriptedGraphs(script);
  let muster: MusterUnderTest;
  let temporal: Client;

  before(async () => {
    muster = await openMuster('large-values');
    await muster.work({ graphs: Object.values(graphs) });
    temporal = await muster.temporal();
  });
  after(async () => {
    await muster?.close();
  });
  beforeEach(() => script.reset());

  const payloadSizes = async (task: TaskHandle) => {
    const history = await temporal.workflow.getHandle(task.workflowId).fetchHistory();
    return sizesOfPayloads(history.events);
  };

  for (const graph of ['single', 'swift']) {
    const [node] = graph === 'single' ? ['work'] : ['one'];

    it(`goes by reference from the task's input to the output of ${graph}, never through Temporal`, async () => {
      const text = 'ä'.repeat(1_000_000);
      script.on(node ?? '', (_context, input) => input as never);
      script.on('two', (_context, input) => input as never);
      script.on('three', (_context, input) => input as never);

      const task = await muster.client.submit(graph, { text });
      const view = await ended(task);
      const sizes = await payloadSizes(task);
      const artifacts = await behindTheBack<{ name: string; size_bytes: number }>(
        muster,
        'select name, size_bytes from muster.artifacts where task_id = $1',
        [task.id],
      );

      assert.equal(view.task.status, 'completed');
      assert.ok(JSON.stringify(view.output).includes(text));
      assert.ok(artifacts.some((artifact) => artifact.name === 'input.json' && artifact.size_bytes > 2_000_000));
      assert.ok(artifacts.some((artifact) => artifact.name === `1/${node}/output.json`));
      assert.ok(sizes.length > 3, 'the history has payloads');
      assert.ok(Math.max(...sizes) < PAYLOAD_LIMIT, `the largest payload has ${Math.max(...sizes)} bytes`);
    });
  }

  it('stays out of Temporal when it is the text of an error', async () => {
    script.on('work', () => {
      throw new Error('x'.repeat(500_000));
    });

    const task = await muster.client.submit('single', {});
    const view = await ended(task);

    assert.ok((runOf(view, 'work').error?.message.length ?? 0) <= 2_000);
    assert.ok(Math.max(...(await payloadSizes(task))) < PAYLOAD_LIMIT);
  });

  for (const [kind, graph, node] of [
    ['slow', 'single', 'work'],
    ['quick', 'swift', 'one'],
  ] as const) {
    it(`that PostgreSQL cannot keep fails its ${kind} node with a sentence, and nothing else`, async () => {
      script.on(node, () => ({ text: 'before\u0000after' }));

      const view = await ended(await muster.client.submit(graph, {}));

      assert.equal(view.task.status, 'failed');
      assert.equal(runOf(view, node).error?.code, 'handler_output_invalid');
      assert.match(runOf(view, node).error?.message ?? '', /NUL/);
    });

    it(`in the message of an error is told without what PostgreSQL cannot keep, by a ${kind} node`, async () => {
      script.on(node, () => {
        throw new Error(`bad byte \u0000 and half a character \ud800`);
      });

      const view = await ended(await muster.client.submit(graph, {}));

      assert.equal(view.task.status, 'failed');
      assert.equal(runOf(view, node).error?.code, 'handler_failed');
      assert.match(runOf(view, node).error?.message ?? '', /bad byte/);
    });
  }
});

/** The size in bytes of every payload anywhere below a value: whatever has metadata and data as bytes. */
function sizesOfPayloads(value: unknown): number[] {
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return [];
  if (Array.isArray(value)) return value.flatMap(sizesOfPayloads);
  const own = 'metadata' in value && 'data' in value && value.data instanceof Uint8Array ? [value.data.length] : [];
  return [...own, ...Object.values(value).flatMap(sizesOfPayloads)];
}
