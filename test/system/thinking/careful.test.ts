import assert from 'node:assert/strict';
import type { RunningWorker } from '../../../worker.ts';
import { eventually } from '../../support/eventually.ts';
import { type Asked, type ModelServer, modelsFile, type Reply, startModelServer } from '../../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { query } from '../../support/query.ts';
import { ended } from '../acceptance/views.ts';
import { CLERKS, clerks, did } from './careful-agents.ts';

describe('what a thinking agent has begun', function () {
  this.timeout(120_000);
  let muster: MusterUnderTest;
  let models: ModelServer;
  let worker: RunningWorker;
  let last: RunningWorker;
  let think: (asked: Asked) => Reply | Promise<Reply>;

  before(async () => {
    models = await startModelServer((asked) => think(asked));
    muster = await openMuster('careful', { environment: { MUSTER_MODELS: await modelsFile(models.url) } });
    await muster.client.setLimit('agent:limited-clerk', 1);
    worker = await muster.work({ graphs: clerks });
    last = worker;
    for (const agent of CLERKS) {
      for (const tool of ['ship', 'wait', 'pay']) await muster.client.operations.grants.allow({ agent, tool });
    }
  });
  after(async () => {
    await muster?.close();
    await models?.close();
  });
  beforeEach(() => {
    did.length = 0;
  });

  const stepOf = ({ messages }: Asked) => messages.filter(({ role }) => role === 'assistant').length + 1;
  const resultsOf = ({ messages }: Asked) =>
    messages.filter(({ role }) => role === 'tool').map(({ content }) => content);
  const say = (answer: string): Reply => ({ text: JSON.stringify({ answer }) });
  const ask = (tool: string, order: string): Reply => ({ calls: [{ tool, arguments: { order } }] });
  const answerOf = (view: { output: unknown }) => (view.output as { answer: string }).answer;
  const run = async (request: string, graph = 'clerk') =>
    ended(await muster.client.submit(graph, { request }, { budget: { tokens: 1_000_000 } }));
  const rows = <Row>(sql: string, ...values: unknown[]) => query<Row & Record<string, unknown>>(muster, sql, values);
  /** The reservations of a task, in the order of its calls. */
  const reservations = (task: string) =>
    rows<{ state: string; tokens: number }>(
      'select state, tokens::int from muster.budget_reservations where task_id = $1 order by created_at',
      task,
    );

  it('K031: gives the other side the same key when its model asks again for what failed', async () => {
    think = (asked) => (stepOf(asked) < 3 ? ask('ship', 'K031') : say(resultsOf(asked).join(' | ')));

    const view = await run('K031');

    assert.equal(answerOf(view), 'The tool failed: the line was cut | shipped');
    assert.equal(did.length, 2);
    assert.equal(did[0], did[1]);
  });

  it('K031: repeats nothing that must never be repeated, and says so', async () => {
    think = (asked) => (stepOf(asked) < 3 ? ask('pay', 'broken') : say(resultsOf(asked).join(' | ')));

    const view = await run('K031 unsafe');

    assert.deepEqual(did, ['pay broken']);
    assert.match(answerOf(view), /^The tool failed: the line was cut \| The call was not made: .* may have happened/);
  });

  it('K031: does again what was done, when its model asks for it again', async () => {
    think = (asked) => (stepOf(asked) < 3 ? ask('pay', 'twice') : say(resultsOf(asked).join(' | ')));

    assert.equal(answerOf(await run('K031 twice')), 'paid | paid');
    assert.deepEqual(did, ['pay twice', 'pay twice']);
  });

  it('K032: says of a call that took too long that nobody knows whether it happened', async () => {
    think = (asked) => (stepOf(asked) === 1 ? ask('wait', 'K032') : say(resultsOf(asked).join()));

    assert.match(answerOf(await run('K032')), /did not end within 100 ms\. It is unknown whether it happened/);
  });

  it('K033: carries out nothing that is asked for in the last step', async () => {
    think = (asked) => ask('pay', `K033 ${stepOf(asked)}`);

    const view = await run('K033', 'hasty-clerk');

    assert.equal(view.task.error?.code, 'steps_exhausted');
    assert.deepEqual(did, ['pay K033 1']);
    assert.match(view.traces[0]?.steps[1]?.tools[0]?.result ?? '', /^Not called: this was your last step/);
  });

  it('answers each call beyond those that are made at once, however many there are', async () => {
    const calls = Array.from({ length: 40 }, (_, at) => ({ tool: 'pay', arguments: { order: `${at}` } }));
    think = (asked) => (stepOf(asked) === 1 ? { calls } : say(`${resultsOf(asked).length} results`));

    const view = await run('forty');

    assert.equal(answerOf(view), '40 results');
    assert.deepEqual(did.toSorted(), ['pay 0', 'pay 1', 'pay 2']);
    assert.match(view.traces[0]?.steps[0]?.tools[39]?.result ?? '', /^Not called: only 3 calls are made at once/);
  });

  it('K042: leaves a call alone that another worker has made again meanwhile', async () => {
    let asked = 0;
    let left: unknown = null;
    const call = () => rows('select state, failures from muster.model_calls where task_id = $1', task.id);
    think = async () => {
      asked += 1;
      if (asked > 1) {
        [left] = await call();
        return say('of the other worker');
      }
      await rows('update muster.model_calls set claim = gen_random_uuid() where task_id = $1', task.id);
      return { status: 503 };
    };
    const task = await muster.client.submit('single-clerk', { request: 'K042' });

    const view = await ended(task);

    assert.equal(answerOf(view), 'of the other worker');
    assert.deepEqual(left, { state: 'pending', failures: 0 });
  });

  it('K034: answers a redriven task from the ledger, also where the call would not be allowed any more', async () => {
    think = (asked) => {
      if (stepOf(asked) === 1) return ask('pay', 'K034');
      return did.includes('revoked') ? say(resultsOf(asked).join()) : { text: 'no JSON' };
    };
    const first = await run('K034');
    assert.equal(first.task.error?.code, 'output_invalid');
    const { grants } = muster.client.operations;
    const [grant] = (await grants.list({ agent: 'clerk' })).filter(({ tool }) => tool === 'pay');
    await grants.revoke({ id: grant?.id ?? '' });
    did.push('revoked');

    await muster.client.redrive(first.task.id);
    const view = await ended(muster.client.task(first.task.id));
    await grants.allow({ agent: 'clerk', tool: 'pay' });

    assert.equal(answerOf(view), 'paid');
    assert.deepEqual(did, ['pay K034', 'revoked']);
  });

  it('K035: keeps and charges an answer whose run was ended meanwhile', async () => {
    think = async () => {
      await task.kill('enough');
      return say('too late');
    };
    const task = await muster.client.submit('clerk', { request: 'K035' }, { budget: { tokens: 100_000 } });

    await eventually(async () => {
      const [call] = await rows('select state, input_tokens from muster.model_calls where task_id = $1', task.id);
      assert.deepEqual(call, { state: 'done', input_tokens: 100 });
    });

    assert.deepEqual(await reservations(task.id), [{ state: 'settled', tokens: 120 }]);
    assert.equal((await task.read()).status, 'cancelled');
  });

  it('K037: charges a call that fell silent, and one that was refused not', async () => {
    let asked = 0;
    think = async () => {
      asked += 1;
      if (asked === 1) return { status: 503 };
      if (asked === 2) return { stall: true };
      return say('at last');
    };

    const view = await run('K037', 'impatient-clerk');

    assert.equal(answerOf(view), 'at last');
    const charged = await reservations(view.task.id);
    assert.deepEqual(
      charged.map(({ state, tokens }) => [state, tokens >= 1_000]),
      [
        ['released', true],
        ['settled', true],
        ['settled', false],
      ],
    );
  });

  it('C007: gives its model no more once what was said has reached its cap, and the newest of it', async () => {
    const sizes: number[] = [];
    think = (asked) => {
      sizes.push(JSON.stringify(asked.messages).length);
      const step = stepOf(asked);
      const last = asked.messages.at(-1)?.content ?? '';
      if (sizes.length > 1) assert.match(last, /paid|last step/);
      assert.match(JSON.stringify(asked.messages), /C007 flat/);
      return sizes.length === 30 ? say(`after ${step}`) : ask('pay', `${sizes.length} `.padEnd(400, 'x'));
    };

    const view = await run('C007 flat', 'forgetful-clerk');

    assert.equal(view.task.status, 'completed');
    assert.equal(did.length, 29);
    const late = sizes.slice(15);
    assert.ok(Math.max(...late) - Math.min(...late) < 1_500, sizes.join());
    assert.ok(Math.max(...late) < 12_000, sizes.join());
    const context = view.traces[0]?.steps.at(-1)?.context;
    assert.deepEqual(
      context?.blocks.map(({ name, decision }) => [name, decision]),
      [
        ['system', 'kept'],
        ['user', 'kept'],
        ['transcript', 'capped'],
      ],
    );
  });

  it('K039: makes no more model calls of an agent at once than its limit says', async () => {
    let most = 0;
    let underWay = 0;
    think = async ({ times }) => {
      underWay += 1;
      most = Math.max(most, underWay);
      await new Promise((resolve) => setTimeout(resolve, 200));
      underWay -= 1;
      return say(`${times}`);
    };

    await run('K039 free', 'free');
    const freely = most;
    most = 0;
    const view = await run('K039', 'limited');

    assert.equal(view.task.status, 'completed');
    assert.ok(freely > 1, `without a limit only ${freely} was made at once`);
    assert.equal(most, 1);
  });

  it('K036: charges what a call may have cost that was cut off, and the calls of workers that stopped', async () => {
    let asked = 0;
    think = async ({ signal }) => {
      asked += 1;
      if (asked > 4) return say('at last');
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      return say('nobody listens');
    };
    const environment = { ...muster.environment, MUSTER_SHUTDOWN_GRACE_SECONDS: '1' };
    await worker.stop();
    const task = await muster.client.submit('clerk', { request: 'K036' }, { budget: { tokens: 100_000 } });
    for (let restarts = 1; restarts <= 4; restarts += 1) {
      const stopping = await muster.work({ graphs: clerks, environment });
      await eventually(() => asked === restarts, { withinMs: 20_000 });
      await stopping.stop();
    }
    last = await muster.work({ graphs: clerks });
    const view = await ended(task);

    assert.equal(answerOf(view), 'at last');
    const [call] = await rows(
      'select attempts, failures, handovers from muster.model_calls where task_id = $1',
      task.id,
    );
    assert.deepEqual(call, { attempts: 5, failures: 0, handovers: 4 });
    const charged = await reservations(task.id);
    assert.deepEqual(
      charged.map(({ state, tokens }) => [state, tokens >= 1_000]),
      [...Array.from({ length: 4 }, () => ['settled', true]), ['settled', false]],
    );
  });

  it('K041: ends with an answer that is stored and asks nothing again, whatever became of the end', async () => {
    let asked = 0;
    think = async ({ signal }) => {
      asked += 1;
      await new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
      return say('nobody listens');
    };
    const environment = { ...muster.environment, MUSTER_SHUTDOWN_GRACE_SECONDS: '1' };
    await last.stop();
    const task = await muster.client.submit('clerk', { request: 'K041' });
    const stopping = await muster.work({ graphs: clerks, environment });
    await eventually(() => asked === 1, { withinMs: 20_000 });
    await stopping.stop();
    await rows(
      `update muster.model_calls set state = 'done', answer = $2 where task_id = $1`,
      task.id,
      JSON.stringify({ text: '{"answer":"stored"}', calls: [], finish: 'stop' }),
    );
    await muster.work({ graphs: clerks });

    assert.equal(answerOf(await ended(task)), 'stored');
    assert.equal(asked, 1);
  });
});
