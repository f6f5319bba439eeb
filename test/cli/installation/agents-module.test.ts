import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AgentsModuleInvalid } from '../../../cli/cli-errors.ts';
import { collectExports, loadAgentsModule, mergeHosted } from '../../../cli/installation/agents-module.ts';
import { PACKAGE, providePackage } from '../../../cli/package.ts';

const FIXTURE = 'test/cli/fixtures/user-agents.ts';

describe("a module of a user's agents", () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'muster-module-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const names = (items: readonly { name: string }[]) => items.map(({ name }) => name);

  it('gives everything that it exports by name, in lists, and in a default export', async () => {
    const hosted = await loadAgentsModule(FIXTURE, process.cwd());

    assert.deepEqual(hosted.graphs.map((graph) => graph.definition.name).toSorted(), ['echo', 'fail', 'hold']);
    assert.deepEqual(names(hosted.tools), ['failing']);
  });

  it('gives each thing once, however often it is exported', async () => {
    providePackage();
    const { echoGraph } = await import('../fixtures/user-agents.ts');
    const [agent] = echoGraph.handlers;

    const hosted = collectExports({ agent, list: [agent, [agent]], default: { agents: [agent], graphs: [echoGraph] } });

    assert.deepEqual(names(hosted.agents), ['echo']);
    assert.equal(hosted.graphs.length, 1);
    assert.deepEqual(mergeHosted([hosted, hosted]), hosted);
  });

  it('gives nothing for what only looks like an agent or a graph', () => {
    const hosted = collectExports({
      halfAgent: { kind: 'agent', name: 'x' },
      halfGraph: { definition: {}, handlers: [] },
      text: 'agent',
      nothing: null,
      code: () => undefined,
      nested: { deeper: { agents: [] } },
    });

    assert.deepEqual(hosted, { agents: [], tools: [], graphs: [] });
  });

  describe('imports the package by its name', () => {
    before(() => providePackage());

    it('from this program where its project has none', async () => {
      const { muster } = await import(written('bare.mjs', `export * as muster from '${PACKAGE.name}';`));
      const { worker } = await import(written('worker.mjs', `export * as worker from '${PACKAGE.name}/worker';`));

      assert.equal(muster, await import('../../../index.ts'));
      assert.equal(worker, await import('../../../worker.ts'));
    });

    it('from its own project where that has it installed', async () => {
      const installed = join(folder, 'project', 'node_modules', PACKAGE.name);
      mkdirSync(installed, { recursive: true });
      writeFileSync(join(installed, 'package.json'), JSON.stringify({ name: PACKAGE.name, exports: './copy.mjs' }));
      writeFileSync(join(installed, 'copy.mjs'), "export const copy = 'installed';");

      const { copy } = await import(written('project/own.mjs', `export { copy } from '${PACKAGE.name}';`));

      assert.equal(copy, 'installed');
    });
  });

  const faults: readonly (readonly [string, () => string, RegExp])[] = [
    ['is missing', () => 'no-such-module.ts', /there is no such file/],
    ['is a folder', () => folder, /it is a folder/],
    ['exports nothing of the kind', () => written('empty.mjs', 'export const a = 1;'), /Export what defineAgent/],
    ['throws', () => written('throws.mjs', "throw new Error('no key');"), /importing it failed: no key\. Correct/],
    ['throws no error', () => written('odd.mjs', "throw 'oh';"), /importing it failed: oh\./],
    ['cannot be parsed', () => written('broken.mjs', 'export const = 1;'), /importing it failed/],
    ['imports what is missing', () => written('lost.mjs', "import 'no-such-package';"), /no-such-package/],
    ['is no program', () => written('data.bin', 'xyz'), /importing it failed/],
  ];
  const written = (name: string, source: string): string => {
    writeFileSync(join(folder, name), source);
    return join(folder, name);
  };
  for (const [title, path, says] of faults) {
    it(`is refused in one sentence when it ${title}`, async () => {
      await assert.rejects(loadAgentsModule(path(), folder), (error) => {
        assert.ok(error instanceof AgentsModuleInvalid);
        assert.equal(error.code, 'agents_module_invalid');
        assert.match(error.message, says);
        return true;
      });
    });
  }
});
