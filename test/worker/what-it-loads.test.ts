import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';

const run = (program: string) =>
  execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' });
const url = (path: string) => new URL(`../../${path}`, import.meta.url).href;

describe('what a worker loads', () => {
  it('leaves out the HTTP client of Node, which it does not use', () => {
    const loaded = run(`await import('${url('worker.ts')}'); console.log(process.moduleLoadList.join('\\n'));`);

    assert.match(loaded, /NativeModule http\n/);
    assert.doesNotMatch(loaded, /undici/);
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
});
