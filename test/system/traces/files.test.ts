import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { z } from 'zod';
import { openClientStores } from '../../../client/open-stores.ts';
import type { Json } from '../../../domain/json.ts';
import { defineAgent, defineGraph, defineTool } from '../../../index.ts';
import { callOperation } from '../../../operations/call.ts';
import { type Caller, type Permission, serviceCaller } from '../../../operations/caller.ts';
import { digestOf } from '../../../operations/digest-of.ts';
import { importTask } from '../../../operations/traces/import.ts';
import { jsonLines, runCli } from '../../cli/run-cli.ts';
import { eventually } from '../../support/eventually.ts';
import { type ModelServer, modelsFile, startModelServer } from '../../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { query } from '../../support/query.ts';
import { ended } from '../acceptance/views.ts';
import { linesOf, resealed } from './file-lines.ts';

const CANARY = 'sk-canary-5f2b90';

const look = defineTool({
  ...{ name: 'file-look', risk: 'read_only', effect: 'none', input: z.object({ n: z.number() }), output: z.number() },
  handle: ({ n }) => n * 2,
});
const thinker = defineAgent({
  ...{
    name: 'file-thinker',
    input: z.object({ n: z.number() }),
    output: z.object({ n: z.number() }),
    model: 'default',
  },
  ...{ instructions: 'Look once.', tools: [look] },
});
const long = defineAgent({
  name: 'file-long',
  input: z.object({ n: z.number() }),
  output: z.object({ text: z.string() }),
  handle: async ({ n }, { writeArtifact }) => {
    await writeArtifact({ name: 'report.txt', mediaType: 'text/plain', content: 'a report' });
    return { text: 'long '.repeat(n * 10_000) };
  },
});
const count = defineAgent({
  ...{ name: 'file-count', input: z.object({ n: z.number() }), output: z.object({ n: z.number() }), quick: true },
  handle: ({ n }) => ({ n: n + 1 }),
});
const one = defineGraph({
  name: 'file-one',
  input: z.object({ item: z.number() }),
  nodes: { count: { agent: count, input: { n: '/task/item' } } },
  output: '/nodes/count',
});
const filed = defineGraph({
  name: 'filed',
  input: z.object({ n: z.number(), items: z.array(z.number()) }),
  nodes: {
    think: { agent: thinker, input: { n: '/task/n' } },
    long: { agent: long, input: { n: '/nodes/think/n' } },
    all: { each: one, items: '/task/items', width: 16 },
  },
  output: { all: '/nodes/all', text: '/nodes/long/text' },
});

const asked = defineGraph({
  name: 'file-asked',
  input: z.object({}),
  nodes: { ask: { approval: 'May it be filed?' } },
  output: '/nodes/ask',
});

describe('a task in a file', function () {
  this.timeout(180_000);
  let muster: MusterUnderTest;
  let other: MusterUnderTest;
  let models: ModelServer;
  let id: string;
  let file: readonly string[];

  before(async () => {
    models = await startModelServer(({ messages }) => {
      if (messages.some(({ role }) => role === 'tool')) return { text: '{"n":1}' };
      return { calls: [{ tool: 'file-look', arguments: { n: 4 } }] };
    });
    const environment = { MUSTER_MODELS: await modelsFile(models.url), MUSTER_SECRET_KEY: '3c'.repeat(32) };
    muster = await openMuster('files', { environment });
    other = await openMuster('files elsewhere');
    await muster.work({ graphs: [filed, asked] });
    await muster.client.operations.models.setKey({ provider: 'local', key: CANARY });
    const items = Array.from({ length: 1_000 }, (_, index) => index);
    const task = await muster.client.submit('filed', { n: 1, items }, { user: 'u-secret', key: 'k-secret' });
    assert.equal((await ended(task)).task.status, 'completed');
    id = task.id;
    file = await linesOf(muster.client, { id });
  });
  after(async () => {
    await muster?.close();
    await other?.close();
    await models?.close();
  });

  const changed = (is: string, change: (line: Record<string, unknown>) => object) => {
    const at = file.findIndex((line) => line.startsWith(`{"is":"${is}"`));
    return resealed(file.map((line, index) => (index === at ? JSON.stringify(change(JSON.parse(line))) : line)));
  };

  const tasksThere = async () =>
    Number((await query<{ n: string }>(other, 'select count(*) n from muster.tasks'))[0]?.n);

  it('R003: is whole in another installation: it looks the same, replays, and nobody starts it', async () => {
    const { taskId, duplicate } = await other.client.operations.tasks.import({ lines: file });
    const view = await other.client.task(taskId).show();
    const origin = await muster.client.task(id).show();

    assert.equal(duplicate, false);
    assert.notEqual(taskId, id);
    assert.deepEqual(view.output, origin.output);
    assert.equal(view.traces[0]?.runs.length, origin.traces[0]?.runs.length);
    assert.ok((view.traces[0]?.runs.length ?? 0) > 1_000);
    assert.deepEqual(
      view.traces[0]?.events.map(({ type, path }) => [type, path]),
      origin.traces[0]?.events.map(({ type, path }) => [type, path]),
    );
    assert.equal(view.traces[0]?.steps[0]?.tools[0]?.result, '8');
    const [here, there] = [
      await muster.client.operations.tasks.replay({ id }),
      await other.client.operations.tasks.replay({ id: taskId }),
    ];
    assert.deepEqual([here.identical, there.identical, there.digest], [true, true, here.digest]);
    assert.deepEqual([view.task.user, view.task.key, view.task.status], [null, null, 'completed']);
    const [graph] = await query(other, "select status, version from muster.agent_graphs where name = 'filed'");
    assert.deepEqual(graph, { status: 'archived', version: 1 });
    await assert.rejects(other.client.submit('filed', { n: 1, items: [] }), { code: 'graph_unknown' });
    await assert.rejects(other.client.redrive(taskId), { code: 'task_not_dead' });
  });

  it('R004: is imported once, however often', async () => {
    const first = await other.client.operations.tasks.import({ lines: file });
    const before = await tasksThere();
    const again = await other.client.operations.tasks.import({ lines: file });

    assert.deepEqual([again.taskId, again.duplicate, await tasksThere()], [first.taskId, true, before]);
  });

  it('R005: holds no key, user, process or name of a machine; without contents, nothing that was said', async () => {
    const text = file.join('\n');
    const [process] = await query<{ process: string }>(muster, 'select process from muster.model_calls limit 1');

    for (const secret of [CANARY, 'u-secret', 'k-secret', process?.process ?? '', 'MUSTER_', models.url]) {
      assert.ok(secret !== '' && !text.includes(secret), `the file holds ${secret}`);
    }
    const bare = await linesOf(muster.client, { id, contents: false });
    assert.ok(text.includes('long long') || text.includes(Buffer.from('long long').toString('base64').slice(0, 8)));
    for (const said of ['long long', 'report.txt', '"n":4', '"{\\"n\\":1}"']) {
      assert.ok(!bare.join('\n').includes(said), `the file without contents holds ${said}`);
    }
    const { taskId } = await other.client.operations.tasks.import({ lines: bare });
    assert.equal(
      (await other.client.task(taskId).show()).traces[0]?.runs.length,
      (await muster.client.task(id).show()).traces[0]?.runs.length,
    );
  });

  it('R006: that was damaged or made up is refused with one sentence, and nothing is changed', async () => {
    const before = await tasksThere();
    const hostile: Readonly<Record<string, readonly [lines: readonly string[], says: RegExp]>> = {
      'cut off': [file.slice(0, -1), /cut off/],
      'cut within a line': [[...file.slice(0, 4), (file[4] ?? '').slice(0, 20)], /line 5: it is not a JSON object/],
      empty: [[], /cut off/],
      'changed without its digest': [
        file.map((line) => line.replace('"status":"ok"', '"status":"skipped"')),
        /digest is not that of the lines/,
      ],
      'a line more': [[...file, file[0] ?? ''], /something follows its end/],
      'another format': [resealed(['{"is":"head","format":"tar","version":1}', '']), /not the head of a file/],
      'a later version': [
        changed('head', (line) => ({ ...line, version: 2 })),
        /has the version 2, and this release reads 1/,
      ],
      'a line of nine million characters': [[file[0] ?? '', 'x'.repeat(9_000_000)], /longer than 8000000 characters/],
      'a path out of its place': [changed('run', (line) => ({ ...line, path: '../../etc/passwd' })), /`path`/],
      'an artifact of somebody else': [
        changed('run', (line) => ({ ...line, artifact: '00000000-0000-4000-8000-000000000000' })),
        /names an artifact that is not in the file/,
      ],
      'a graph of somebody else': [
        changed('trace', (line) => ({ ...line, graph: createHash('sha256').digest('hex') })),
        /names a graph that is not in the file/,
      ],
      'a graph under the hash of another': [
        changed('graph', (line) => ({ ...line, definition: { ...(line.definition as object), description: 'x' } })),
        /not the one of its hash/,
      ],
      'bytes of another artifact': [
        changed('bytes', (line) => ({ ...line, content: 'AAAA' })),
        /not those of its digest/,
      ],
      'a status that no run has': [changed('run', (line) => ({ ...line, status: 'running' })), /`status`/],
      'a field that nobody knows': [changed('task', (line) => ({ ...line, tenant: 'other' })), /cannot be used/],
      'one run twice': [
        resealed(file.flatMap((line) => (line.startsWith('{"is":"run","path":"all"') ? [line, line] : [line]))),
        /there are two of/,
      ],
    };

    for (const [what, [lines, says]] of Object.entries(hostile)) {
      const refused = other.client.operations.tasks.import({ lines });
      await assert.rejects(refused, (error: Error & { code?: string }) => {
        assert.equal(error.code, 'import_invalid', `${what}: ${error.message.slice(0, 300)}`);
        assert.match(error.message, says, what);
        assert.ok(error.message.length < 600, `${what}: ${error.message.length} characters`);
        return true;
      });
    }
    assert.equal(await tasksThere(), before);
  });

  it('brings a graph in only for who may publish it, and is forked like any other task', async () => {
    const { hash } = JSON.parse(file[1] ?? '{}') as { hash: string };
    const made = changed('graph', (line) => ({ ...line, definition: forged() })).map((line) =>
      line.replaceAll(hash, digestOf(forged())),
    );
    const stores = await openClientStores({ environment: other.environment });
    const caller = (...permissions: Permission[]) => ({
      ...serviceCaller(stores.tenant),
      permissions: new Set<Permission>(permissions),
    });
    const importAs = (who: Caller) => callOperation(importTask, { stores, caller: who }, { lines: resealed(made) });
    try {
      const before = await tasksThere();
      await assert.rejects(importAs(caller('tasks:read', 'tasks:write')), { code: 'permission_denied' });
      assert.equal(await tasksThere(), before);
      const { taskId } = await importAs(caller('tasks:write', 'graphs:publish'));
      const price = await other.client.task(taskId).fork('long', { dryRun: true });
      assert.ok(JSON.stringify(price).includes('long'));
    } finally {
      await stores.close();
    }
  });

  function forged(): Json {
    return { ...JSON.parse(file[1] ?? '{}').definition, name: 'forged' };
  }

  it('goes from one installation to another by the command line, which says what is wrong in one sentence', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'muster-files-'));
    const path = join(folder, 'task.jsonl');
    const here = { environment: muster.environment };
    const there = { environment: other.environment };
    try {
      const exported = await runCli(['export', id, '--out', path], here);
      const imported = await runCli(['import', path, '--json'], there);
      const [{ taskId }] = jsonLines(imported.stdout) as [{ taskId: string }];
      const [replayed, verified] = [await runCli(['replay', taskId], there), await runCli(['verify', id], here)];
      await writeFile(path, (await readFile(path, 'utf8')).slice(0, 5_000));
      const refused = await runCli(['import', path], there);
      const absent = await runCli(['import', join(folder, 'nothing')], there);

      assert.match(exported.stdout, new RegExp(`^The task is in ${path}, \\d+ lines\\.`));
      assert.match(replayed.stdout, /^identical {2}task/);
      assert.match(verified.stdout, /^agrees {2}task/);
      assert.deepEqual(
        [exported, imported, replayed, verified].map(({ exitCode }) => exitCode),
        [0, 0, 0, 0],
      );
      assert.equal(refused.exitCode, 1);
      assert.match(refused.stderr, /line \d+: .*Nothing was changed\.\n$/);
      assert.equal(absent.exitCode, 2);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('is refused while the task runs', async () => {
    const task = await muster.client.submit('file-asked', {});
    await eventually(async () => (await task.show()).task.status === 'waiting_approval');

    await assert.rejects(muster.client.operations.tasks.export({ id: task.id }), { code: 'trace_not_ended' });

    await task.cancel();
  });
});
