import assert from 'node:assert/strict';
import { describeFailure, WrongUsage } from '../../cli/cli-errors.ts';
import { Output, type Sink } from '../../cli/output/output.ts';
import { thenClose } from '../../cli/session.ts';
import { TaskUnknown } from '../../operations/operation-errors.ts';

const coded = (code: string, message: string) => Object.assign(new Error(message), { code });

describe('an error at the terminal', () => {
  it('keeps the code and the sentence that Muster gave it', () => {
    const error = new TaskUnknown('t', 'default');

    assert.deepEqual(describeFailure(error), { code: 'task_unknown', message: error.message, exitCode: 1 });
  });

  it('ends with exit code 2 when the command was not understood', () => {
    assert.equal(describeFailure(new WrongUsage('Expected.')).exitCode, 2);
  });

  it('says what to do about a database that was never prepared', () => {
    const { code, message } = describeFailure(coded('42P01', 'relation "muster.tasks" does not exist'));

    assert.equal(code, 'schema_missing');
    assert.match(message, /muster\.tasks.*`muster up`/);
  });

  it('says what to do about a service that is unavailable, wherever in the error that stands', () => {
    const refused = coded('ECONNREFUSED', 'connect ECONNREFUSED 127.0.0.1:1');
    for (const error of [refused, new Error('query failed', { cause: refused }), new AggregateError([refused], '')]) {
      const { code, message, exitCode } = describeFailure(error);
      assert.deepEqual([code, exitCode], ['service_unreachable', 1]);
      assert.match(message, /`muster status` says which one/);
    }
    assert.match(describeFailure(new AggregateError([refused], '')).message, /127\.0\.0\.1:1/);
  });

  it('is one sentence also when nobody expected it', () => {
    for (const thrown of [new Error('odd.'), 'odd', { odd: true }, undefined]) {
      const { code, message } = describeFailure(thrown);
      assert.equal(code, 'unexpected');
      assert.match(message, /^Something unexpected failed: .*MUSTER_LOG_LEVEL=debug/);
    }
  });
});

describe('a command whose work failed', () => {
  it('says why, and not that closing failed after it', async () => {
    const work = () => Promise.reject(new Error('PostgreSQL was gone'));
    const close = () => Promise.reject(new Error('the worker did not stop'));

    await assert.rejects(thenClose(work, close), /PostgreSQL was gone/);
    await assert.rejects(
      thenClose(async () => 'done', close),
      /did not stop/,
    );
  });
});

describe('the output of a command', () => {
  function open(json: boolean) {
    const written = { stdout: '', stderr: '' };
    const sink = (name: 'stdout' | 'stderr'): Sink => ({
      write: (text) => {
        written[name] += text;
      },
    });
    return { written, output: new Output({ json, stdout: sink('stdout'), stderr: sink('stderr') }) };
  }

  it('has data alone on standard output with --json', () => {
    const { written, output } = open(true);

    output.progress('working');
    output.text('for people');
    output.result({ a: 1 }, () => 'for people');
    output.failure({ code: 'task_failed', message: 'It failed.', exitCode: 1 });

    assert.equal(written.stdout, '{"a":1}\n');
    assert.equal(written.stderr, 'working\n{"error":{"code":"task_failed","message":"It failed."}}\n');
  });

  it('is text for people otherwise, without colours where no terminal is', () => {
    const { written, output } = open(false);

    output.result({ a: 1 }, (colors) => colors.green('fine'));
    output.failure({ code: 'task_failed', message: 'It failed.', exitCode: 1 });

    assert.deepEqual(written, { stdout: 'fine\n', stderr: 'muster: It failed.\n' });
  });
});
