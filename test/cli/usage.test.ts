import assert from 'node:assert/strict';
import { WrongUsage } from '../../cli/cli-errors.ts';
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
  ['run', /^The argument program is missing/],
  ['run no-such-program.ts', /^no-such-program\.ts is not a file\. Name the program to run\.$/],
  [
    'run package.json --script no-such-script.json',
    /^no-such-script\.json cannot be used: there is no such file\. docs\/models\.md shows/,
  ],
  ['run package.json --script biome.json', /^biome\.json cannot be used: turns: /],
  ['budgets set user:ada', /^Say how much: --tokens, --money, /],
  ['budgets set user:ada --soft 90 --when-exhausted wait', /^Say how much: /],
  ['budgets grant user:ada', /^Say how much: /],
  ['grants allow triage refund --where {', /^"\{" cannot be the value of --where\. Expected JSON: [^.]*[^.]\. `/],
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
  ['watch 019ab3c4-5d6e-7f80-9123-456789abcdef --after soon', /Expected the number or the cursor of an event/],
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
  ['queue extra', /^Too many arguments for 'queue'/],
  ['queue --wach', /^Unknown option '--wach'; did you mean --watch\? `muster queue --help`/],
  ['queue pause', /^The argument target is missing\. `muster queue pause --help`/],
  [
    'queue pause low',
    /^"low" cannot be the argument target\. Expected band:NAME \(high, normal, low\), tenant:NAME or/,
  ],
  ['queue pause band:urgent', /Expected band:NAME/],
  ['queue resume task:17', /Expected band:NAME/],
  ['queue pause band:low extra', /^Too many arguments for 'pause'.*`muster queue pause --help`/],
  ['agents --role=', /Expected 1 to 255 characters/],
  ['agents --wach', /did you mean --watch\?/],
  ['dead --limit 0', /Expected a whole number from 1 to 500/],
  ['dead --since yesterday', /^"yesterday" cannot be the value of --since\. Expected how long ago, like 30m, 2h or 7d/],
  ['dead --since 5', /Expected how long ago/],
  ['dead --since 2026-13-40', /Expected how long ago/],
  ['dead extra', /^Too many arguments for 'dead'/],
  ['limits extra', /^Too many arguments for 'limits'/],
  ['limits set graph:g', /^The argument value is missing\. `muster limits set --help`/],
  ['limits set graph:g many', /^"many" cannot be the argument value\. Expected a number at once like 4, a number in/],
  ['limits set graph:g 4 --burst 9', /^--burst, --block and --sliding go with a rate, like 60\/10\.$/],
  [
    'limits set endpoint:chat 4',
    /^"endpoint:chat" cannot be limited to a number at once.*limits set endpoint:chat 60\/60`/,
  ],
  ['limits set endpoint:chat 4/60 --sliding --burst 9', /^--burst does not go with --sliding/],
  ['limits set endpoint:chat 4/60 --block soon', /Expected a whole number from 0/],
  ['limits unset', /^The argument key is missing/],
  ['messages --status done', /Expected one of pending, leased, processed, dead/],
  ['messages redrive 17', /^"17" is not a message's id\. `muster messages` lists/],
  ['messages redrive', /^The argument message is missing/],
  ['send', /^Name one agent, or give --broadcast/],
  ['send archivist --broadcast', /^Name one agent, or give --broadcast/],
  ['send --broadcast --request', /^--request asks one agent/],
  ['send archivist --timeout 5', /^--timeout goes with --request\.$/],
  ['send archivist --data {} --file f', /^Give --data or --file, not both\.$/],
  ['send archivist --type answer', /Expected one of command, query, event, heartbeat\./],
  ['send archivist --priority 5', /Expected one of critical, high, normal, low\./],
  ['submit g --start-at 2027-02-30', /^"2027-02-30" cannot be the value of --start-at\. Expected .* that exists/],
  ['submit g --due 1h30', /^"1h30" cannot be the value of --due\. Expected in how long, like 30m/],
  ['dead --since -2h', /^"-2h" cannot be the value of --since\. Expected how long ago/],
  ['tasks --limit 1e2', /^"1e2" cannot be the value of --limit\. Expected a whole number from 1 to 500/],
  ['submit g --user \ufffd', /UTF-8/],
  ['submit g --start-at soon', /^"soon" cannot be the value of --start-at\. Expected in how long, like 30m/],
  ['submit g --deadline 5', /Expected in how long/],
  ['submit g --depends-on 17', /^"17" is not a task's id/],
  ['submit g --timezone UTC', /^--timezone goes with --repeat\.$/],
  ['submit g --repeat hourly', /^--repeat: "hourly" is not a cron pattern of five fields/],
  ['submit g --repeat daily --timezone X/Y', /^--repeat: the time zone "X\/Y" is unknown/],
  ['redrive', /^Name the tasks to redrive, or give --all\. `muster dead` lists them\.$/],
  ['redrive 17', /^"17" is not a task's id/],
  ['redrive --graph g', /^Name the tasks to redrive, or give --all/],
  ['redrive 019ab3c4-5d6e-7f80-9123-456789abcdef --all', /^Name tasks or give --all, not both\.$/],
  ['redrive 019ab3c4-5d6e-7f80-9123-456789abcdef --since 2h', /^--graph, --since and --limit go with --all/],
  ['redrive --all --effects some', /keep, repeat/],
  ['redrive --all --limit 0', /Expected a whole number from 1 to 1000000/],
  ['call', /^The argument operation is missing\. `muster call --help`/],
  ['call task.cancel', /^"task\.cancel" is not an operation \(did you mean tasks\.cancel\?\)\.$/],
  ['call tasks.read --dry-run', /^tasks\.read has no dry run\. `muster operations tasks\.read` shows what it takes\.$/],
  ['call tasks.read --data {} --file f', /^Give --data or --file, not both\.$/],
  ['call tasks.read --as=', /Expected 1 to 255 characters/],
  ['operations tasks.cancell', /^"tasks\.cancell" is not an operation \(did you mean tasks\.cancel\?\)/],
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

  it('is a key that would be typed into a terminal, which shows it', async () => {
    const { stdin } = process;
    Object.defineProperty(process, 'stdin', { value: { isTTY: true }, configurable: true });
    try {
      await assert.rejects(
        parse('models key set main'),
        new WrongUsage('The key is read from standard input, like `muster models key set main < key.txt`.'),
      );
    } finally {
      Object.defineProperty(process, 'stdin', { value: stdin, configurable: true });
    }
  });

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
    for (const name of [
      'up',
      'down',
      'status',
      'doctor',
      'worker',
      'submit',
      'show',
      'watch',
      'queue',
      'dead',
      'redrive',
      'retention',
    ]) {
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
