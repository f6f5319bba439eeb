import assert from 'node:assert/strict';
import type { SubmitOptions, TaskHandle } from '../../../index.ts';
import { withPostgresql } from '../../../servers/probe/probes.ts';
import { eventually } from '../../support/eventually.ts';
import { type Asked, type ModelServer, modelsFile, startModelServer } from '../../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { ended } from '../acceptance/views.ts';
import { answering } from '../thinking/agents.ts';

const WITHIN = { withinMs: 30_000 };
/** Of each run: two steps with a tool, and the answer. */
const STEPS = 3;

describe('a run whose budget is exhausted', function () {
  this.timeout(60_000);
  let muster: MusterUnderTest;
  let models: ModelServer;
  let isDown = false;

  before(async () => {
    models = await startModelServer((asked) => {
      if (isDown) return { status: 503, retryAfterSeconds: 3 };
      const step = stepOf(asked);
      if (step === STEPS) return { text: JSON.stringify({ answer: 'done' }) };
      return { calls: [{ tool: 'look-up', arguments: { subject: `thing ${step}` } }] };
    });
    muster = await openMuster('budget-waits', { environment: { MUSTER_MODELS: await modelsFile(models.url) } });
    await muster.work({ graphs: [answering] });
  });
  after(async () => {
    await muster?.close();
    await models?.close();
  });

  const stepOf = ({ messages }: Asked) => messages.filter(({ role }) => role === 'assistant').length + 1;
  const rows = (statement: string) =>
    withPostgresql(muster.ownerUrl, async (server) => (await server.query(statement)).rows);

  /** A task with a budget that has room for one step, at its wait. */
  async function waiting(question: string, options: SubmitOptions = {}): Promise<TaskHandle> {
    const budget = { steps: 1, whenExhausted: 'wait' } as const;
    const task = await muster.client.submit('answering', { question }, { budget, ...options });
    await eventually(async () => assert.equal((await task.read()).status, 'waiting_approval'), WITHIN);
    return task;
  }

  it('waits, says for what, and continues where it was when a person grants more', async () => {
    const task = await waiting('granted');
    const scope = `task:${task.id}` as const;

    const { causes } = await task.why();
    const shown = await task.show();
    await muster.client.operations.budgets.grant({ scope, steps: 2 });
    const view = await ended(task);

    assert.deepEqual(
      causes.map(({ kind, path }) => [kind, path]),
      [['budget', 'answer']],
    );
    assert.match(
      causes[0]?.waitsFor ?? '',
      new RegExp(`the budget of ${scope}: 1 of 1 steps are used, and this call may need up to 1$`),
    );
    assert.equal(shown.task.waitsFor, causes[0]?.waitsFor);
    assert.deepEqual([shown.budget?.whenExhausted, shown.budget?.waiting], ['wait', 1]);
    assert.deepEqual(view.output, { answer: 'done' });
    assert.equal(models.askedWith('granted'), STEPS, 'no step was made twice');
    assert.deepEqual([view.budget?.waiting, view.budget?.limits[0]?.spent], [0, STEPS]);
  });

  it('continues when the limits of a user change, or are removed', async () => {
    const { budgets } = muster.client.operations;
    const ends = [];
    const stillWaiting = [];
    for (const user of ['ann', 'bob']) {
      await budgets.set({ scope: `user:${user}`, steps: 1, whenExhausted: 'wait' });
      const task = await waiting(`limits of ${user}`, { user, budget: {} });
      if (user === 'ann') await budgets.set({ scope: 'user:ann', steps: STEPS });
      else await budgets.unset({ scope: 'user:bob' });
      ends.push((await ended(task)).task.status);
      stillWaiting.push(
        ...(await rows(
          `select key from muster.budget_reservations where task_id = '${task.id}' and state = 'waiting'`,
        )),
      );
    }

    assert.deepEqual(ends, ['completed', 'completed']);
    assert.deepEqual(stillWaiting, []);
  });

  it('continues within a minute of there being room of which nobody told it', async () => {
    const task = await waiting('silent room');

    await rows(`update muster.budgets set step_limit = 9 where scope = 'task:${task.id}'`);
    await rows(`update muster.budget_reservations set looked_at = now() - interval '61 s' where state = 'waiting'`);

    assert.equal((await ended(task)).task.status, 'completed');
  });

  it('is asked again and waits on where what was granted is too little', async () => {
    const scope = 'user:eve';
    const { budgets } = muster.client.operations;
    await budgets.set({ scope, tokens: 1, whenExhausted: 'wait' });
    const task = await waiting('too little', { user: 'eve', budget: {} });

    await budgets.grant({ scope, tokens: 1 });
    const sent = `select id from muster.outbox where topic = 'budget.granted' and sent_at is null`;
    await eventually(async () => assert.deepEqual(await rows(sent), []), WITHIN);
    await eventually(async () => assert.equal((await task.read()).status, 'waiting_approval'), WITHIN);
    await budgets.grant({ scope, tokens: '1M' });

    assert.equal((await ended(task)).task.status, 'completed');
    assert.equal(models.askedWith('too little'), STEPS);
  });

  it('ends at its deadline', async () => {
    const task = await waiting('late', { deadlineAt: new Date(Date.now() + 15_000) });

    const view = await ended(task);

    assert.equal(view.task.error?.code, 'deadline_exceeded');
    assert.equal(models.askedWith('late'), 1);
  });

  it('is told from one whose model has not answered, and is called again at a time', async () => {
    isDown = true;
    const task = await muster.client.submit('answering', { question: 'the provider is down' });
    const [told] = await eventually(async () => {
      const { causes } = await task.why();
      assert.equal(causes[0]?.kind, 'model');
      return causes;
    }, WITHIN);
    isDown = false;
    const view = await ended(task);

    assert.match(told?.waitsFor ?? '', /its next call of the model .*local/);
    assert.equal(told?.path, 'answer');
    assert.ok(told?.until != null && told.until.getTime() > view.task.createdAt.getTime());
    assert.equal(view.task.status, 'completed');
  });

  it('outlives its worker', async () => {
    const own = await openMuster('budget-waits-restart', {
      environment: { MUSTER_MODELS: await modelsFile(models.url) },
    });
    try {
      const first = await own.work({ graphs: [answering] });
      const budget = { steps: 1, whenExhausted: 'wait' } as const;
      const task = await own.client.submit('answering', { question: 'outlives' }, { budget });
      await eventually(async () => assert.equal((await task.read()).status, 'waiting_approval'), WITHIN);
      await first.stop();

      await own.client.operations.budgets.grant({ scope: `task:${task.id}`, steps: 2 });
      await own.work({ graphs: [answering] });

      assert.deepEqual((await ended(task)).output, { answer: 'done' });
      assert.equal(models.askedWith('outlives'), STEPS);
    } finally {
      await own.close();
    }
  });
});
