import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { createContext, runInContext } from 'node:vm';
import { workflowBundlePath } from '../../../worker/bundle/workflow-bundle.ts';

describe('the bundle of the workflows', () => {
  let code: string;

  before(async () => {
    code = await readFile(await workflowBundlePath(), 'utf8');
  });

  /** Runs it as the SDK does, with a cache of modules that it brings. */
  const load = (modules: object) => {
    const context = createContext({ __webpack_module_cache__: modules, TextEncoder, TextDecoder });
    runInContext(code, context);
    return context;
  };

  it('takes no stack traces', () => {
    const stack: unknown = runInContext('new Error("refused").stack', load({}));

    assert.equal(stack, 'Error: refused');
  });

  it('holds none of the libraries by which activities evaluate nodes', () => {
    for (const ofLibrary of ['error parsing regexp', 'Invalid arity:']) assert.ok(!code.includes(ofLibrary), ofLibrary);
    assert.ok(code.length < 3_000_000, `${code.length} characters`);
  });

  it('loads no module for a workflow that others have not loaded before', () => {
    const modules = {};
    const context = load(modules);

    runInContext('__TEMPORAL__.preloadModules()', context);
    const shared = Object.keys(modules);
    const workflows: object = runInContext('__TEMPORAL__.importWorkflows()', context);

    assert.ok('executeTask' in workflows);
    assert.deepEqual(Object.keys(modules), shared);
  });
});
