import assert from 'node:assert/strict';
import { mock } from 'node:test';
import { defineEval } from '../../../index.ts';
import { CliUnderTest, STARTS_WITHIN } from '../../cli/cli-under-test.ts';
import { eventually } from '../../support/eventually.ts';
import { CASES, closeness, copies, doubles, evaluation } from './fixture.ts';

const MODULE = 'test/system/evals/fixture.ts';

describe('an evaluation', () => {
  let cli: CliUnderTest;

  before(async () => {
    cli = await CliUnderTest.open('evals');
    await cli.muster.work({ graphs: [doubles], agents: [...copies.handlers], tools: [closeness] });
  });
  after(() => cli?.close());

  const one = (name: string, number: number, expect = number * 2) => ({ name, input: { number }, expect });
  const exact = (output: unknown, { expect }: { expect: unknown }) => (output as { number: number }).number === expect;

  it('scores each case by code and by a tool of a worker, and is complete when every score is there', async () => {
    const report = await cli.muster.client.evaluate(evaluation);

    assert.deepEqual([report.state, report.cases, report.scored], ['completed', CASES, CASES * 2]);
    assert.deepEqual(report.means, { exact: 1, close: 1 });
    assert.equal(report.scores.find((score) => score.scorer === 'close')?.reason, '0 off');
  });

  it('gives a case whose task fails 0, with the reason, and scores the others', async () => {
    const failing = defineEval({
      name: 'failing',
      graph: 'doubles',
      cases: [one('good', 3), one('bad', -3)],
      scorers: { exact },
    });

    const { means, scores } = await cli.muster.client.evaluate(failing);

    assert.deepEqual(means, { exact: 0.5 });
    assert.match(scores.find((score) => score.case === 'bad')?.reason ?? '', /failed at node double: It is negative/);
  });

  it('stays open where a scorer throws, names it, and continues with what is not scored', async () => {
    const asked: string[] = [];
    let isBroken = true;
    const options = { name: 'thrown', graph: 'doubles', cases: [one('a', 1), one('b', 2), one('c', 3)] } as const;
    const scored = defineEval({
      ...options,
      scorers: {
        exact: (_, { name }) => {
          asked.push(name);
          if (isBroken && name === 'b') throw new Error('no ruler');
          return 0.5;
        },
      },
    });

    await assert.rejects(cli.muster.client.evaluate(scored), {
      code: 'scorer_failed',
      message: /exact.*"b".*no ruler/,
    });
    isBroken = false;
    const report = await cli.muster.client.evaluate(scored);

    assert.equal(report.state, 'completed');
    assert.deepEqual(asked.toSorted(), ['a', 'b', 'b', 'c']);
  });

  it('continues after kill -9: the same run, one task for each case, and no score is asked for twice', async () => {
    const killed = cli.start(['eval', MODULE, '--wait', '--fresh'], { environment: { EVAL_HANGS: '1' } });
    const runs = async () =>
      (await cli.muster.client.call('evals.list', { eval: 'doubling' })).filter((run) => run.state !== 'completed');
    const begun = await eventually(async () => {
      const [run] = await runs();
      assert.ok(run !== undefined && run.scored >= 8, `${run?.scored} scores; ${killed.stderr()}`);
      return run;
    }, STARTS_WITHIN);
    killed.child.kill('SIGKILL');
    await killed.ended;
    const before = await cli.muster.client.call('evals.show', { id: begun.id });

    const { stdout, exitCode, stderr } = await cli.start(['eval', MODULE, '--wait', '--json']).ended;

    assert.equal(exitCode, 0, stderr);
    const report = JSON.parse(stdout);
    assert.deepEqual([report.id, report.state, report.scored], [begun.id, 'completed', CASES * 2]);
    for (const score of before.scores)
      assert.deepEqual(
        report.scores.find((of: typeof score) => of.case === score.case && of.scorer === score.scorer),
        score,
      );
    const tasks = await cli.muster.client.tasks({ conversation: `eval/${begun.id}`, limit: 500 });
    assert.equal(tasks.length, CASES * 2, 'a task for each case, and one for each that the tool scored');
  });

  it('prints a table of the cases with the means below, and lists the runs', async () => {
    const { stdout, exitCode, stderr } = await cli.start(['eval', MODULE, '--wait']).ended;
    const listed = await cli.run(['eval']);

    assert.equal(exitCode, 0, stderr);
    assert.match(stdout, /^doubling of doubles@1: completed\n\ncase +close +exact\n/);
    assert.match(stdout, /\n +mean 1\.00 +mean 1\.00\n$/);
    assert.match(listed.stdout, /doubling +doubles@1 +completed +close 1\.00, exact 1\.00/);
  });

  it('runs again by its name where workers have all its scorers, and asks for the file where code has', async () => {
    const named = defineEval({ name: 'named', graph: 'doubles', cases: [one('a', 1)], scorers: { close: closeness } });
    await cli.muster.client.evaluate(named);

    const again = await cli.ask<{ state: string; means: object }>(['eval', 'named', '--wait']);
    const coded = await cli.run(['eval', 'doubling', '--wait']);
    const unknown = await cli.run(['eval', 'nobody']);

    assert.deepEqual([again.state, again.means], ['completed', { close: 1 }]);
    assert.match(coded.stderr, /scorer exact did not score .* it is code\. Name the file that defines it\./);
    assert.match(unknown.stderr, /No evaluation "nobody" ran yet/);
  });

  it('without --wait submits, scores what has ended, and says what is left', async () => {
    const { state, scored } = await cli.muster.client.evaluate(
      defineEval({ name: 'later', graph: 'doubles', cases: [one('a', 1)], scorers: { exact } }),
      { wait: false },
    );

    assert.ok(state === 'completed' ? scored === 1 : scored === 0);
  });

  it('gives a case a task of its own, also where its name is that of a scorer and a case', async () => {
    const sets = defineEval({
      ...{ name: 'slashes', graph: 'doubles', cases: [one('a', 1), one('close/a', 2)], scorers: { close: closeness } },
    });

    const { means, scores } = await cli.muster.client.evaluate(sets);

    assert.deepEqual(means, { close: 1 });
    assert.equal(new Set(scores.map(({ taskId }) => taskId)).size, 2);
  });

  it('was completed when the database says so, whatever the clock of the program says', async () => {
    const { name, ...set } = defineEval({
      ...{ name: 'clocks', graph: 'doubles', cases: [one('a', 1)], scorers: { exact } },
    }).set;
    const { id, createdAt } = await cli.muster.client.call('evals.start', { eval: name, ...set });
    mock.timers.enable({ apis: ['Date'], now: Date.now() + 365 * 86_400_000 });
    try {
      await cli.muster.client.call('evals.record', { id, scores: [{ case: 'a', scorer: 'exact', score: 1 }] });
    } finally {
      mock.timers.reset();
    }

    const { completedAt } = await cli.muster.client.call('evals.show', { id });

    const tookMs = Number(completedAt) - Number(createdAt);
    assert.ok(tookMs >= 0 && tookMs < 86_400_000, `${tookMs}`);
  });

  it('is of the tenant that ran it', async () => {
    const [run] = await cli.muster.client.call('evals.list', {});
    const other = await cli.muster.connect({ tenant: 'other' });

    assert.deepEqual(await other.call('evals.list', {}), []);
    await assert.rejects(other.call('evals.show', { id: run?.id ?? '' }), { code: 'eval_unknown' });
    await assert.rejects(other.call('evals.record', { id: run?.id ?? '', scores: [] }), { code: 'eval_unknown' });
  });

  it('takes scores of its own cases and scorers only, and keeps the first', async () => {
    const [run] = await cli.muster.client.call('evals.list', { eval: 'named' });
    const id = run?.id ?? '';
    const record = (score: object) =>
      cli.muster.client.call('evals.record', { id, scores: [{ case: 'a', scorer: 'close', score: 0, ...score }] });

    await assert.rejects(record({ case: 'z' }), { code: 'option_invalid', message: /the set has no case "z"/ });
    await assert.rejects(record({ scorer: 'z' }), { code: 'option_invalid', message: /the set has no scorer "z"/ });
    await assert.rejects(record({ score: 1.5 }), { code: 'option_invalid', message: /a number from 0 to 1/ });
    assert.deepEqual((await record({})).means, { close: 1 });
  });
});

describe('a graph that must score', () => {
  let cli: CliUnderTest;

  before(async () => {
    cli = await CliUnderTest.open('evals-required');
    const workers = { agents: [...copies.handlers, ...doubles.handlers], tools: [closeness] };
    await cli.muster.work(workers);
    await cli.muster.client.publish([doubles]);
  });
  after(() => cli?.close());

  const required = { graph: 'doubles', eval: 'doubling', scorer: 'exact', atLeast: 0.9 };
  const state = async (version: number) => {
    const versions = await cli.muster.client.call('graphs.versions', { graph: 'doubles' });
    return versions.find((of) => of.version === version)?.status;
  };

  it('is activated only in a version that an evaluation of that very version gives the score', async () => {
    const { client } = cli.muster;
    await client.evaluate(evaluation, { version: 1 });
    await client.call('graphs.require', required);

    await assert.rejects(client.publish([copies]), {
      code: 'score_missing',
      message: /Version 2 of "doubles" is not activated: it needs 0.9 from exact/,
    });
    assert.deepEqual([await state(1), await state(2)], ['active', 'draft']);
    await assert.rejects(client.call('graphs.activate', { graph: 'doubles', version: 2 }), { code: 'score_missing' });

    const document = JSON.stringify({
      ...{ name: 'doubles', output: '/nodes/double' },
      components: { double: { agent: 'doubler', input: { number: '/task/number' } } },
    });
    const foreseen = await client.operations.graphs.apply({ document, dryRun: true });
    const [applied] = (await client.operations.graphs.apply({ document })).graphs;
    assert.deepEqual({ ...foreseen.graphs[0], version: 3 }, applied, 'a dry run says what would happen');
    assert.match(applied?.warnings[0] ?? '', /Version 3 of "doubles" is not activated/);

    const { means } = await client.evaluate(evaluation, { version: 2 });
    assert.ok((means.exact ?? 1) < 0.2);
    await assert.rejects(client.call('graphs.activate', { graph: 'doubles', version: 2 }), { code: 'score_too_low' });
    assert.deepEqual([await state(1), await state(2)], ['active', 'draft']);

    await client.call('graphs.require', { ...required, atLeast: 0.05 });
    await client.call('graphs.activate', { graph: 'doubles', version: 2 });
    assert.deepEqual([await state(1), await state(2)], ['archived', 'active']);
    await client.call('graphs.activate', { graph: 'doubles', version: 1 });
  });

  it('counts only the evaluation that was completed last', async () => {
    const { client } = cli.muster;
    await client.call('graphs.require', required);
    const lenient = { ...evaluation, code: { exact: () => true } };
    await client.evaluate(lenient, { version: 2 });
    await client.evaluate(evaluation, { version: 2 });

    await assert.rejects(client.call('graphs.activate', { graph: 'doubles', version: 2 }), { code: 'score_too_low' });
  });

  it('is not activated by easier cases under the same name, until they are required', async () => {
    const { client } = cli.muster;
    const easier = { ...evaluation, set: { ...evaluation.set, cases: evaluation.set.cases.slice(0, 1) } };
    const activate = () => client.call('graphs.activate', { graph: 'doubles', version: 2 });
    const { means } = await client.evaluate(easier, { version: 2 });
    assert.equal(means.exact, 1);

    await assert.rejects(activate(), { code: 'score_too_low' });
    await client.call('graphs.require', required);
    await activate();

    await assert.rejects(client.call('graphs.activate', { graph: 'doubles', version: 1 }), {
      code: 'score_missing',
      message: /with the cases and scorers that it had when the score was required.*`graphs.require` again/,
    });
    await client.evaluate(evaluation, { version: 2 });
    await client.call('graphs.require', { ...required, atLeast: 0.05 });
    await client.call('graphs.activate', { graph: 'doubles', version: 1 });
    await client.call('graphs.require', required);
  });

  it('is not held to an evaluation that never ran', async () => {
    await assert.rejects(cli.muster.client.call('graphs.require', { ...required, eval: 'nobody' }), {
      code: 'option_invalid',
      message: /no evaluation "nobody" of "doubles" ran yet; run it first/,
    });
  });

  it('is no longer held once the requirement is removed; a graph of others cannot be required', async () => {
    const { client } = cli.muster;
    const list = () => client.call('graphs.requirements', { graph: 'doubles' });

    assert.deepEqual(await list(), [required]);
    await client.call('graphs.require', { ...required, atLeast: null });

    assert.deepEqual(await list(), []);
    await client.call('graphs.activate', { graph: 'doubles', version: 2 });
    await assert.rejects(client.call('graphs.require', { ...required, graph: 'channel-digest' }), {
      code: 'option_invalid',
      message: /belong to the tenant system/,
    });
  });

  it('is published as a draft by a worker, which says so', async () => {
    const system = await cli.muster.connect({ tenant: 'system' });
    await cli.muster.work({ graphs: [doubles] });
    const { name, cases, ...set } = evaluation.set;
    await system.call('evals.start', { eval: name, ...set, cases: cases.slice(0, 1) });
    await system.call('graphs.require', required);

    await cli.muster.work({ graphs: [copies] });

    const versions = await system.call('graphs.versions', { graph: 'doubles' });
    assert.deepEqual(
      versions.map(({ version, status }) => [version, status]),
      [
        [2, 'draft'],
        [1, 'active'],
      ],
    );
  });
});
