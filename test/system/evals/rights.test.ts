import assert from 'node:assert/strict';
import { openClientStores } from '../../../client/open-stores.ts';
import { callOperation } from '../../../operations/call.ts';
import { type Permission, serviceCaller } from '../../../operations/caller.ts';
import { startEval } from '../../../operations/evals/start.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';

describe('an evaluation of a draft', () => {
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('evals-rights');
  });
  after(() => muster?.close());

  it('is begun only by a caller who may do what its nodes do', async () => {
    const document = JSON.stringify({
      ...{ name: 'sly', output: '/nodes/list' },
      components: { list: { operation: 'budgets.view' } },
    });
    await muster.client.operations.graphs.apply({ document, draft: true });
    const stores = await openClientStores({ environment: muster.environment });
    const caller = { ...serviceCaller(stores.tenant), permissions: new Set<Permission>(['tasks:read', 'tasks:write']) };
    const set = {
      eval: 'sly',
      graph: 'sly',
      version: 1,
      cases: [{ name: 'one', input: {}, expect: null }],
      scorers: { exact: null },
    };
    try {
      const started = callOperation(startEval, { stores, caller }, set);
      await assert.rejects(started, { code: 'permission_denied', message: /budgets\.view/ });
    } finally {
      await stores.close();
    }
  });
});
