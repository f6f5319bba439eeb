import assert from 'node:assert/strict';
import { eventually } from '../../support/eventually.ts';
import { type Asked, type ModelServer, modelsFile, type Reply, startModelServer } from '../../support/model-server.ts';
import { type MusterUnderTest, openMuster } from '../../support/muster.ts';
import { query } from '../../support/query.ts';
import { ended, runOf } from '../acceptance/views.ts';
import { answering, cautiousAnswering, done } from './agents.ts';

describe('a thinking agent', () => {
  let muster: MusterUnderTest;
  let models: ModelServer;
  let think: (asked: Asked) => Reply | Promise<Reply>;

  before(async () => {
    models = await startModelServer((asked) => think(asked));
    muster = await openMuster('thinking', { environment: { MUSTER_MODELS: await modelsFile(models.url) } });
    await muster.work({ graphs: [answering, cautiousAnswering] });
    const { grants } = muster.client.operations;
    await grants.allow({ agent: 'answerer', tool: 'post' });
    await grants.allow({ agent: 'answerer', tool: 'publish', approval: true });
  });
  after(async () => {
    await muster?.close();
    await models?.close();
  });
  beforeEach(() => {
    done.length = 0;
  });

  const run = async (question: string, graph = 'answering') => ended(await muster.client.submit(graph, { question }));
  const lastOf = ({ messages }: Asked) => messages.at(-1)?.content ?? '';
  const stepOf = ({ messages }: Asked) => messages.filter(({ role }) => role === 'assistant').length + 1;
  const resultsOf = ({ messages }: Asked) =>
    messages.filter(({ role }) => role === 'tool').map(({ content }) => content);
  const say = (answer: string): Reply => ({ text: JSON.stringify({ answer }) });
  const ask = (...calls: [tool: string, subject: unknown][]): Reply => ({
    calls: calls.map(([tool, subject]) => ({ tool, arguments: { subject } })),
  });
  /** Asks for these calls first, and answers with the results that came back. */
  const askThenAnswer = (first: Reply) => {
    think = (asked) => (stepOf(asked) === 1 ? first : say(resultsOf(asked).join(' | ')));
  };
  const answerOf = (view: { output: unknown }) => (view.output as { answer: string }).answer;

  it('K001: answers by its model: the output is validated, and tokens and money are counted', async () => {
    think = () => say('Paris');

    const view = await run('the capital of France');

    assert.deepEqual(view.output, { answer: 'Paris' });
    assert.equal(runOf(view, 'answer').status, 'ok');
    const { messages } = models.asked.at(-1) as Asked;
    assert.match(messages[0]?.content ?? '', /The question has 21 letters/);
    assert.deepEqual(JSON.parse(messages[1]?.content ?? ''), { question: 'the capital of France' });
    const [step] = view.traces[0]?.steps ?? [];
    assert.deepEqual([step?.state, step?.step, step?.attempts, step?.provider], ['done', 1, 1, 'local']);
    assert.deepEqual([view.usage.inputTokens, view.usage.outputTokens], [100, 20]);
    assert.equal(view.usage.costMicros, view.traces[0]?.usage.costMicros);
    assert.ok(view.usage.costMicros > 0);
    const types = view.traces[0]?.events.map(({ type }) => type);
    assert.deepEqual(types, ['trace.started', 'run.started', 'model.answered', 'run.completed', 'trace.completed']);
  });

  it('K002: calls the tools that its model asks for, and gives it their results', async () => {
    askThenAnswer(ask(['look-up', 'tea'], ['post', 'news']));

    const view = await run('K002');

    assert.equal(answerOf(view), '{"about":"tea"} | {"posted":"news"}');
    assert.deepEqual(done, ['begin tea', 'end tea', 'post news']);
    const tools = view.traces[0]?.steps[0]?.tools.map(({ tool, state, result }) => [tool, state, result]);
    assert.deepEqual(tools, [
      ['look-up', 'done', '{"about":"tea"}'],
      ['post', 'done', '{"posted":"news"}'],
    ]);
  });

  it('K003: reads side by side, as many at once as it may, and answers the same question once', async () => {
    askThenAnswer(ask(['look-up', 'pair-a'], ['look-up', 'pair-b'], ['look-up', 'pair-a']));

    const view = await run('K003');

    assert.deepEqual(done.slice(0, 2).toSorted(), ['begin pair-a', 'begin pair-b']);
    assert.equal(done.length, 4);
    assert.equal(answerOf(view), '{"about":"pair-a"} | {"about":"pair-b"} | {"about":"pair-a"}');
  });

  it('K004: answers with a sentence what cannot be called', async () => {
    think = (asked) => {
      if (stepOf(asked) > 1) return say(resultsOf(asked).join(' | '));
      const calls = ask(['look-up', 1], ['burn', 'all'], ['look-up', 'broken'], ['look-up', 'late']).calls ?? [];
      return { calls };
    };

    const said = answerOf(await run('K004')).split(' | ');

    assert.match(said[0] ?? '', /The call was not made\. Its arguments do not fit: \/subject/);
    assert.equal(said[1], 'There is no tool of this name. You have: look-up, post, publish, erase.');
    assert.equal(said[2], 'The tool failed: nobody answers');
    assert.match(said[3] ?? '', /^Not called: only 3 calls are made at once/);
    assert.deepEqual(done, ['begin broken', 'end broken']);
  });

  it('K005: keeps a result of 5 MB as an artifact and gives its model the ends of it', async () => {
    askThenAnswer(ask(['look-up', 'huge'], ['look-up', 'unstorable']));

    const said = answerOf(await run('K005')).split(' | ');

    assert.match(said[0] ?? '', /^x{130}\n\[… 4999820 characters left out …\]\nx{50}$/);
    assert.match(said[1] ?? '', /cannot be given to you: a text with a NUL character is not JSON/);
    const kept = await query<{ size: number }>(
      muster,
      `select size_bytes::int as size from muster.artifacts where name like '%look-up%'`,
    );
    assert.deepEqual(kept, [{ size: 5_000_002 }]);
  });

  it('K006: sends an answer that does not fit back once, with its faults', async () => {
    think = (asked) => (stepOf(asked) === 1 ? { text: '{"answer":7}' } : say(lastOf(asked)));

    const view = await run('K006');

    assert.match(answerOf(view), /^Your answer does not fit: \/answer .*expected string/);
    assert.equal(view.traces[0]?.steps.length, 2);
  });

  it('K006: ends as output_invalid when the repaired answer does not fit either, and keeps what was said', async () => {
    think = () => ({ text: 'I would rather not.' });

    const view = await run('K006 twice');

    assert.equal(view.task.error?.code, 'output_invalid');
    assert.match(view.task.error?.message ?? '', /it is not JSON/);
    const [kept] = await query<{ output: unknown }>(
      muster,
      `select r.output from muster.agent_runs r join muster.agent_traces t on t.id = r.trace_id where t.task_id = $1`,
      [view.task.id],
    );
    assert.deepEqual(kept?.output, { partial: 'I would rather not.' });
  });

  it('K007: ends as steps_exhausted after its steps, and has told its model before the last', async () => {
    const told: string[] = [];
    think = (asked) => {
      told.push(lastOf(asked));
      return { text: `so far ${stepOf(asked)}`, ...ask(['look-up', `thing ${stepOf(asked)}`]) };
    };

    const view = await run('K007');

    assert.equal(view.task.error?.code, 'steps_exhausted');
    assert.equal(view.traces[0]?.steps.length, 4);
    assert.match(told.at(-1) ?? '', /^This is your last step/);
    assert.equal(told.filter((text) => /last step/.test(text)).length, 1);
  });

  it('K008: waits as long as a provider asks before it calls again, and counts the calls of a step', async () => {
    const at: number[] = [];
    think = ({ times }) => {
      at.push(Date.now());
      return times === 1 ? { status: 429, retryAfterSeconds: 1 } : say('later');
    };

    const view = await run('K008');

    assert.equal(answerOf(view), 'later');
    assert.ok(Number(at[1]) - Number(at[0]) >= 1_000);
    assert.equal(view.traces[0]?.steps[0]?.attempts, 2);
  });

  it('K008: ends at once where the provider refuses the request', async () => {
    think = () => ({ status: 400 });

    const view = await run('K008 refused');

    assert.equal(view.task.status, 'failed');
    assert.equal(models.askedWith('K008 refused'), 1);
  });

  it('K009: stores a NUL and half of a surrogate pair of an answer without loss of the run', async () => {
    think = (asked) =>
      stepOf(asked) === 1 ? { text: `{"answer":"a\u0000b"}` } : { text: '{"answer":"half \\ud83d"}' };

    const view = await run('K009');

    assert.equal(view.task.error?.code, 'output_invalid');
    assert.match(view.task.error?.message ?? '', /half of a surrogate pair/);
  });

  it('K012: pauses between two steps, and continues where it was', async () => {
    const gate = Promise.withResolvers<void>();
    think = async (asked) => {
      if (stepOf(asked) > 1) return say('after the pause');
      await gate.promise;
      return ask(['post', 'before the pause']);
    };

    const task = await muster.client.submit('answering', { question: 'K012' });
    await eventually(() => models.askedWith('K012') === 1);
    await task.pause();
    await eventually(async () => (await task.read()).status === 'paused');
    gate.resolve();
    await eventually(() => done.length === 1);
    const askedWhilePaused = models.askedWith('K012');
    await task.resume();
    const view = await ended(task);

    assert.equal(askedWhilePaused, 1);
    assert.equal(answerOf(view), 'after the pause');
    assert.equal(view.traces[0]?.steps.length, 2);
  });

  it('K014: makes no call that nobody granted, and tells its model why', async () => {
    askThenAnswer(ask(['erase', 'everything']));

    const view = await run('K014');

    assert.match(answerOf(view), /^The call was not made: /);
    assert.equal(view.traces[0]?.steps[0]?.tools[0]?.state, 'denied');
    assert.deepEqual(done, []);
  });

  it('K015: holds no place while it waits for a person, and makes the approved call once', async () => {
    askThenAnswer(ask(['publish', 'draft']));
    const { approvals } = muster.client.operations;

    const task = await muster.client.submit('answering', { question: 'K015' });
    await eventually(async () => (await task.read()).status === 'waiting_approval');
    const doneBefore = [...done];
    const [approval] = await approvals.list({ task: task.id });
    await approvals.decide({ id: approval?.id ?? '', verdict: 'approve', arguments: { subject: 'final' } });
    const view = await ended(task);

    assert.deepEqual(doneBefore, []);
    assert.deepEqual(done, ['publish final']);
    assert.equal(answerOf(view), '{"posted":"final"}');
  });

  it('K015: tells its model why a person rejected a call', async () => {
    askThenAnswer(ask(['publish', 'draft']));
    const { approvals } = muster.client.operations;

    const task = await muster.client.submit('answering', { question: 'K015 rejected' });
    await eventually(async () => (await task.read()).status === 'waiting_approval');
    const [approval] = await approvals.list({ task: task.id });
    await approvals.decide({ id: approval?.id ?? '', verdict: 'reject', reason: 'not on a Monday' });
    const view = await ended(task);

    assert.match(answerOf(view), /not on a Monday/);
    assert.deepEqual(done, []);
  });

  it('K016: makes no model call for which a budget has no room, and keeps what was said', async () => {
    think = (asked) => ({ text: `step ${stepOf(asked)}`, ...ask(['look-up', `thing ${stepOf(asked)}`]) });

    const task = await muster.client.submit('answering', { question: 'K016' }, { budget: { steps: 2 } });
    const view = await ended(task);

    assert.equal(view.task.error?.code, 'budget_exhausted');
    assert.equal(models.askedWith('K016'), 2);
    const steps = view.budget?.limits.find(({ what }) => what === 'steps');
    assert.deepEqual([steps?.spent, steps?.reserved, steps?.left], [2, 0, 0]);
  });

  it('K016: makes no model call for which the budget of its conversation has no room', async () => {
    think = () => say('once');
    await muster.client.operations.budgets.set({ scope: 'conversation:K016', steps: 1 });
    const submit = () => muster.client.submit('answering', { question: 'K016 again' }, { conversation: 'K016' });

    const ends = [await ended(await submit()), await ended(await submit())];

    assert.deepEqual(
      ends.map(({ task }) => task.error?.code),
      [undefined, 'budget_exhausted'],
    );
  });

  it('K012: ends within seconds of a cancel, in the middle of a model call', async () => {
    const gate = Promise.withResolvers<void>();
    think = async () => {
      await gate.promise;
      return say('too late');
    };

    const task = await muster.client.submit('answering', { question: 'K012 cancelled' });
    await eventually(() => models.askedWith('K012 cancelled') === 1);
    const [cause] = (await task.why()).causes;
    assert.match(cause?.waitsFor ?? '', /^answerer, which asks the model default for step 1, in /);
    const askedAtMs = performance.now();
    await task.cancel();
    const view = await ended(task);
    gate.resolve();

    assert.equal(view.task.status, 'cancelled');
    assert.ok(performance.now() - askedAtMs < 10_000);
  });
});
