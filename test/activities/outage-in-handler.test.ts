import assert from 'node:assert/strict';
import { TransactionTimedOut } from '../../database/database-errors.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { failForGood, Script } from '../system/acceptance/script.ts';
import { ended, runOf } from '../system/acceptance/views.ts';

describe('an outage of PostgreSQL that a handler meets', () => {
  const script = new Script();
  const { single, swift } = scriptedGraphs(script);
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('outage-in-handler');
    await muster.work({ graphs: [single, swift] });
  });
  after(() => muster?.close());
  afterEach(() => script.reset());

  for (const [graph, node] of [
    ['single', 'work'],
    ['swift', 'two'],
  ] as const) {
    it(`is no failure of a ${graph === 'swift' ? 'quick' : 'slow'} node: it comes again, though it may fail no attempt`, async () => {
      script.on(node, ({ attempt }) => {
        if (attempt <= 2) throw new TransactionTimedOut({ timeoutMs: 10_000, attempts: 3 });
        return { node };
      });

      const view = await ended(await muster.client.submit(graph, {}));

      assert.equal(view.task.status, 'completed');
      assert.equal(runOf(view, node).status, 'ok');
      assert.ok(script.callsOf(node).length >= 3, 'both outages were met');
    });
  }

  it('does not hide a failure that follows it', async () => {
    script.on('work', (context, input) => {
      if (context.attempt === 1) throw new TransactionTimedOut({ timeoutMs: 10_000, attempts: 3 });
      return failForGood(context, input);
    });

    const view = await ended(await muster.client.submit('single', {}));

    assert.deepEqual([view.task.status, view.task.error?.code], ['failed', 'handler_failed']);
  });
});
