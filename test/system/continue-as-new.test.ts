import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { z } from 'zod';
import { loadConfig } from '../../config.ts';
import { defineAgent, defineGraph } from '../../index.ts';
import { choosePort } from '../../servers/start/ports.ts';
import { ownServersContext, serviceKinds } from '../../servers/start/server-kinds.ts';
import { SEARCH_ATTRIBUTE_SETTINGS } from '../../servers/start/temporal.ts';
import { connectClient, type TemporalClient } from '../../temporal/connect.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { ended } from './acceptance/views.ts';

let hold: Promise<void> | null = null;
const begun: string[] = [];

const step = defineAgent({
  name: 'continued-step',
  input: z.object({ n: z.unknown() }),
  output: z.object({ n: z.number() }),
  handle: async ({ n }, { nodeId }) => {
    begun.push(nodeId);
    await hold;
    return { n: Number(n) + 1 };
  },
});
const one = defineGraph({
  name: 'continued-one',
  input: z.object({ iteration: z.number() }),
  nodes: { step: { agent: step, input: { n: '/task/iteration' } } },
  output: '/nodes/step',
});
const continued = defineGraph({
  name: 'continued',
  input: z.object({}),
  nodes: { loop: { repeat: one, until: { pointer: '/output/n', is: 'gte', value: 6 }, most: 8 } },
  output: '/nodes/loop',
});

describe('a workflow of which the server thinks that it is long', () => {
  let folder: string;
  let server: { kill: (signal: 'SIGKILL') => boolean };
  let muster: MusterUnderTest;
  let temporal: TemporalClient;

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'muster-continued-'));
    const program = await serviceKinds(ownServersContext(loadConfig({}).services)).temporal.find();
    assert.ok(program !== null, 'expected a Temporal to be installed');
    const [port, uiPort] = [await choosePort(null), await choosePort(null)];
    server = execa(
      program.path,
      [
        ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(uiPort)],
        ...['--db-filename', join(folder, 'temporal.db')],
        ...['--dynamic-config-value', 'limit.historyCount.suggestContinueAsNew=8'],
        ...SEARCH_ATTRIBUTE_SETTINGS.flatMap((setting) => ['--search-attribute', setting]),
      ],
      { reject: false, stdio: 'ignore' },
    );
    const address = `127.0.0.1:${port}`;
    temporal = await eventually(() => connectClient({ address, namespace: 'default' }), { withinMs: 30_000 });
    muster = await openMuster('continued', { environment: { TEMPORAL_ADDRESS: address } });
    await muster.work({ graphs: [continued] });
  });
  after(async () => {
    await muster?.close();
    await temporal?.close();
    server?.kill('SIGKILL');

    await rm(folder, { recursive: true, force: true });
  });

  it('continues as new with its whole state: a container under way, and a pause', async () => {
    const gate = Promise.withResolvers<void>();
    const task = await muster.client.submit('continued', {});
    await eventually(() => begun.length >= 3, { withinMs: 30_000 });
    hold = gate.promise;
    await eventually(() => begun.length >= 4, { withinMs: 30_000 });
    await task.pause();
    gate.resolve();
    await eventually(async () => (await task.read()).status === 'paused', { withinMs: 30_000 });
    const before = begun.length;
    await task.resume();
    const view = await ended(task);

    assert.deepEqual(view.output, { n: 6 });
    assert.deepEqual(
      begun,
      Array.from({ length: 6 }, (_, index) => `loop[${index}]/step`),
    );
    assert.ok(before < 6, 'expected the pause to hold what had not begun');
    const runs = temporal.client.workflow.list({ query: `WorkflowId = "${task.workflowId}"` });
    const ids: string[] = [];
    for await (const run of runs) ids.push(run.runId);
    assert.ok(ids.length > 1, 'expected the workflow to have continued as new');
  });
});
