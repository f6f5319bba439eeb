import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const run = (program: string) =>
  execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
const url = (path: string) => new URL(`../../${path}`, import.meta.url).href;

describe('what a worker loads', () => {
  it('leaves out the HTTP client of Node, which it does not use', () => {
    const loaded = run(`await import('${url('worker.ts')}'); console.log(process.moduleLoadList.join('\\n'));`);

    assert.match(loaded, /NativeModule http\n/);
    assert.doesNotMatch(loaded, /undici/);
  });

  it('leaves out the client of MCP servers until an agent names one', () => {
    const watched = (tools: string) =>
      run(`import { registerHooks } from 'node:module';
        registerHooks({ load: (url, context, next) => (console.log(url), next(url, context)) });
        await import('${url('worker.ts')}');
        const { defineAgent, mcp } = await import('${url('index.ts')}');
        const { z } = await import('${import.meta.resolve('zod')}');
        const schema = z.object({});
        const agent = defineAgent({
          name: 'a', input: schema, output: schema, model: 'default', instructions: 'b', tools: ${tools},
        });
        const { openTools } = await import('${url('worker/wire/open-tools.ts')}');
        const database = { inTenant: async () => {} };
        const hosted = { handlers: new Map([['agent:a', agent]]), graphs: new Map() };
        const file = process.env.SOURCES;
        const log = { warn: () => {} };
        const closers = { add: (_name, opened) => opened };
        const parts = { config: { toolSourcesFile: file }, database, hosted, log, workerId: 'w', environment: {} };
        await (await openTools(parts, closers))?.close();`);
    const file = join(mkdtempSync(join(tmpdir(), 'muster-loads-')), 'sources.json');
    writeFileSync(file, JSON.stringify({ sources: { crm: { command: '/no/such/program' } } }));
    process.env.SOURCES = file;

    const [idle, open] = [watched('[]'), watched("[mcp('crm')]")];

    assert.match(idle, /worker\/wire\/open-tools\.ts/);
    assert.doesNotMatch(idle, /node_modules\/@modelcontextprotocol\//);
    assert.match(open, /node_modules\/@modelcontextprotocol\/client\//);
  });

  it('leaves out what calls models and counts tokens until there are models, as a client does', () => {
    const watched = (work: string) =>
      run(`import { registerHooks } from 'node:module';
        registerHooks({ load: (url, context, next) => (console.log(url), next(url, context)) });
        ${work}`);
    const settings = '{ providers: {}, models: {} }';

    const idle = watched(`await import('${url('worker.ts')}'); await import('${url('index.ts')}');
      await (await import('${url('worker/wire/open-models.ts')}')).openModels(null);`);
    const open = watched(`await (await import('${url('worker/wire/open-models.ts')}')).openModels(${settings});`);

    assert.match(idle, /worker\/wire\/start-worker\.ts/);
    assert.doesNotMatch(idle, /node_modules\/(?:ai|@ai-sdk|gpt-tokenizer)\/|providers\/model-caller/);
    assert.match(open, /providers\/model-caller\.ts/);
    assert.doesNotMatch(open, /node_modules\/(?:ai|@ai-sdk|gpt-tokenizer)\//);
  });

  it('leaves out OpenTelemetry until there is a collector', () => {
    const watched = (work: string) =>
      run(`import { registerHooks } from 'node:module';
        registerHooks({ load: (url, context, next) => (console.log(url), next(url, context)) });
        ${work}`);
    const start = (telemetry: string) =>
      watched(`await import('${url('worker.ts')}');
        const closers = { add() {} };
        const opened = { config: { telemetry: ${telemetry} }, log: console, database: {
          single: { inSystem: () => new Promise(() => {}) } } };
        await (await import('${url('worker/wire/start-telemetry.ts')}')).startTelemetry(opened, closers);
        process.exit();`);

    const without = start('null');
    const told = start("{ endpoint: 'http://127.0.0.1:1', headers: {}, serviceName: 'x' }");

    assert.match(without, /start-telemetry\.ts/);
    assert.doesNotMatch(without, /node_modules\/@opentelemetry\/(?!api\/)|telemetry\/span-export/);
    assert.match(told, /node_modules\/@opentelemetry\/sdk-metrics\//);
  });
});
