import assert from 'node:assert/strict';
import { WrongUsage } from '../../cli/errors.ts';
import { createProgram } from '../../cli/program.ts';
import { runCli } from './run-cli.ts';

/** What is typed, and what the one sentence must say. */
const WRONG: readonly (readonly [string, RegExp])[] = [
  ['', /^Expected a command: start, up, down, .*`muster --help` explains them\.$/],
  ['sumbit channel-digest', /^Unknown command 'sumbit'; did you mean submit\?/],
  ['frobnicate', /^Unknown command 'frobnicate'\./],
  ['--frobnicate', /^Unknown option '--frobnicate'\./],
  ['status extra', /^Too many arguments for 'status'.*extra\./],
  ['up --jsno', /^Unknown option '--jsno'; did you mean --json\?/],
  ['submit', /^The argument graph is missing\. `muster submit --help`/],
  ['submit a b', /^Too many arguments for 'submit'/],
  ['submit g --pirority high', /did you mean --priority\?/],
  ['submit g --priority urgent', /^"urgent" cannot be the value of --priority\. Expected one of high, normal, low\./],
  ['submit g --priority', /^The option --priority needs a value after it\./],
  ['submit g --input', /^The option --input needs a value after it\./],
  [
    'submit g --input --wait',
    /^"--wait" cannot be the value of --input\. Expected the path of a file, found an option\./,
  ],
  ['submit g --input=', /Expected the path of a file, found an empty text\./],
  ['submit g --param depth', /Expected name=value/],
  ['submit g --param =4', /Expected name=value/],
  ['submit g --param a=1 --param a=2', /The parameter "a" is given twice/],
  ['submit g --tenant a/b', /Expected 1 to 64 letters, digits/],
  ['submit g --key=', /Expected 1 to 255 characters/],
  [`submit g --user ${'u'.repeat(256)}`, /Expected 1 to 255 characters/],
  ['show', /^The argument task is missing/],
  ['show 17', /^"17" is not a task's id.*`muster tasks` lists the newest tasks\.$/],
  ['watch 17', /^"17" is not a task's id/],
  ['watch 019ab3c4-5d6e-7f80-9123-456789abcdef --after -1', /^"-1" cannot be the value of --after/],
  ['watch 019ab3c4-5d6e-7f80-9123-456789abcdef --after soon', /Expected a whole number from 0/],
  ['cancel', /^The argument task is missing/],
  ['cancel nonsense', /^"nonsense" is not a task's id/],
  ['pause nonsense', /is not a task's id/],
  ['resume nonsense', /is not a task's id/],
  ['tasks --limit -1', /^"-1" cannot be the value of --limit\. Expected a whole number from 1 to 500\./],
  ['tasks --limit 0', /Expected a whole number from 1 to 500/],
  ['tasks --limit 1.5', /Expected a whole number from 1 to 500/],
  ['tasks --limit 1e2', /Expected a whole number from 1 to 500/],
  ['tasks --limit many', /Expected a whole number from 1 to 500/],
  ['tasks --status done', /^"done" cannot be the value of --status\. Expected one of pending, .*cancelled\./],
  ['worker --agents', /^The option --agents needs a value after it/],
  ['worker --task-queue a/b', /Expected 1 to 64 letters/],
  ['retention --dryrun', /did you mean --dry-run\?/],
  ['help frobnicate', /^Expected a command/],
];

function parse(line: string): Promise<unknown> {
  return createProgram().parseAsync(line.split(' ').filter(Boolean), { from: 'user' });
}

describe('wrong usage of the command line', () => {
  for (const [line, says] of WRONG) {
    it(`"muster ${line.slice(0, 60)}" is refused in one sentence that says what to do`, async () => {
      await assert.rejects(parse(line), (error) => {
        assert.ok(error instanceof WrongUsage, String(error));
        assert.match(error.message, says);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      });
    });
  }

  it('ends with exit code 2, the sentence on standard error and nothing else', async () => {
    const result = await runCli(['sumbit']);

    assert.deepEqual(result, {
      exitCode: 2,
      stdout: '',
      stderr: "muster: Unknown command 'sumbit'; did you mean submit? `muster --help` shows how it is used.\n",
    });
  });

  it('is one JSON line on standard error with --json', async () => {
    const { exitCode, stdout, stderr } = await runCli(['tasks', '--limit', '-1', '--json']);

    assert.equal(exitCode, 2);
    assert.equal(stdout, '');
    const { error } = JSON.parse(stderr);
    assert.equal(error.code, 'wrong_usage');
    assert.match(error.message, /^"-1" cannot be the value of --limit/);
  });

  it('is not help: asked for, help and the version go to standard output with exit code 0', async () => {
    const [help, ofCommand, version] = await Promise.all([
      runCli(['--help']),
      runCli(['submit', '--help']),
      runCli(['--version']),
    ]);

    assert.deepEqual([help.exitCode, ofCommand.exitCode, version.exitCode], [0, 0, 0]);
    for (const name of ['up', 'down', 'status', 'doctor', 'worker', 'submit', 'show', 'watch', 'retention']) {
      assert.match(help.stdout, new RegExp(`^  ${name} `, 'm'));
    }
    assert.match(ofCommand.stdout, /--input <file>/);
    assert.match(version.stdout, /^\d+\.\d+\.\d+\n$/);
  });

  it('is also a configuration that cannot be used, named by its variables, as a failure', async () => {
    const environment = { MUSTER_REDIS_URL: 'http://x', MUSTER_DATABASE_POOL: 'many' };

    const { exitCode, stderr } = await runCli(['status'], { environment });

    assert.equal(exitCode, 1);
    assert.match(stderr, /^muster: The configuration cannot be used: .*MUSTER_DATABASE_POOL.*MUSTER_REDIS_URL/);
    assert.doesNotMatch(stderr, /\n {4}at /);
  });
});
