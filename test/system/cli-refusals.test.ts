import assert from 'node:assert/strict';
import { CliUnderTest, freePort } from '../cli/cli-under-test.ts';
import { jsonLines } from '../cli/run-cli.ts';

const UNKNOWN_TASK = '019ab3c4-5d6e-7f80-9123-456789abcdef';

describe('the command line, given what it cannot use', function () {
  this.timeout(180_000);
  let cli: CliUnderTest;

  before(async () => {
    cli = await CliUnderTest.open('cli refusals');
  });

  after(() => cli?.close());

  describe('of a command', () => {
    const submitFile = (path: string, ...more: string[]) => ['submit', 'channel-digest', '--input', path, ...more];
    interface Refused {
      readonly title: string;
      readonly args: () => readonly string[];
      readonly says: RegExp;
      readonly exitCode?: number;
      /** What is wrong with the surroundings. */
      readonly surroundings?: () => Record<string, string>;
    }
    let closedPort: number;
    before(async () => {
      closedPort = await freePort();
    });
    const noDatabase = () => ({ MUSTER_DATABASE_URL: `postgres://m@127.0.0.1:${closedPort}/m` });

    const refused: readonly Refused[] = [
      { title: 'a missing file', args: () => submitFile('no.txt'), says: /no\.txt cannot be read: there is no such/ },
      { title: 'a folder', args: () => submitFile(cli.folder), says: /it is a folder\. Name one file in it\./ },
      {
        title: 'a binary file',
        args: () => submitFile(cli.file('a.bin', Buffer.from([0, 159, 146, 150]))),
        says: /not UTF-8 text\. Convert it/,
      },
      { title: 'an empty file', args: () => submitFile(cli.file('empty.txt', '')), says: /it is empty\. Give a file/ },
      { title: 'a NUL in a text', args: () => submitFile(cli.file('nul.txt', 'a\0b')), says: /it is a binary file\./ },
      {
        title: 'a file of 50 MB',
        args: () => submitFile(cli.file('large.txt', Buffer.alloc(50_000_000, 'a'))),
        says: /has 50000000 bytes and may have 10000000\. Split it/,
      },
      { title: 'nothing on standard input', args: () => submitFile('-'), says: /stdin cannot be read: it is empty/ },
      { title: 'no document', args: () => ['submit', 'channel-digest'], says: /Give one with --input FILE/ },
      { title: 'an unknown graph', args: () => ['submit', 'nope'], says: /no graph "nope"\. Active graphs: channel-/ },
      {
        title: 'a value that the schema refuses',
        args: () => submitFile(cli.file('ok.txt', 'ann: hi'), '--param', 'maxTopics=99'),
        says: /\/maxTopics must be <= 20/,
      },
      {
        title: 'an unknown parameter',
        args: () => submitFile(cli.file('ok.txt', 'ann: hi'), '--param', 'maxTopic=9'),
        says: /takes no parameter "maxTopic"\. It takes /,
      },
      {
        title: 'an unknown option',
        args: () => submitFile('x', '--pirority', 'high'),
        says: /mean --priority\?/,
        exitCode: 2,
      },
      {
        title: 'an unknown priority',
        args: () => submitFile('x', '--priority', '1'),
        says: /high, normal, low/,
        exitCode: 2,
      },
      { title: 'an unknown task', args: () => ['show', UNKNOWN_TASK], says: /has no task .*`muster tasks` lists/ },
      { title: 'an unknown task to watch', args: () => ['watch', UNKNOWN_TASK], says: /has no task/ },
      { title: 'an unknown task to cancel', args: () => ['cancel', UNKNOWN_TASK], says: /has no task/ },
      { title: 'an unknown task to pause', args: () => ['pause', UNKNOWN_TASK], says: /has no task/ },
      {
        title: 'a PostgreSQL that is unavailable',
        args: () => submitFile('x'),
        says: /PostgreSQL at .*MUSTER_DATABASE_URL.*`muster status`/,
        surroundings: noDatabase,
      },
      {
        title: 'a worker without PostgreSQL',
        args: () => ['worker'],
        says: /PostgreSQL at .* does not answer.*`muster status`/,
        surroundings: noDatabase,
      },
      {
        title: 'a migration without PostgreSQL',
        args: () => ['migrate'],
        says: /PostgreSQL at .* does not answer.*MUSTER_DATABASE_OWNER_URL/,
        surroundings: () => ({ MUSTER_DATABASE_OWNER_URL: `postgres://m@127.0.0.1:${closedPort}/m` }),
      },
      { title: 'a device without an end', args: () => submitFile('/dev/zero'), says: /more than 10000000 bytes/ },
      {
        title: 'a worker without Temporal',
        args: () => ['worker'],
        says: /Temporal at [^.]+(?:\.\d+){3}:\d+ does not answer: (?!.*Resolution).*`muster status`/,
        surroundings: () => ({ TEMPORAL_ADDRESS: `127.0.0.1:${closedPort}` }),
      },
      {
        title: 'a worker without its module',
        args: () => ['worker', '--agents', 'no.ts'],
        says: /no\.ts cannot be used/,
      },
      {
        title: 'a schema that was never made',
        args: () => ['tasks'],
        says: /not prepared .*`muster migrate`/,
        surroundings: () => ({ MUSTER_DATABASE_URL: cli.muster.stack.ownerUrl }),
      },
      {
        title: 'no service at all',
        args: () => ['tasks'],
        says: /PostgreSQL is not running\. Start it with `muster up`/,
        surroundings: () => ({ MUSTER_DATABASE_URL: '', MUSTER_REDIS_URL: '', TEMPORAL_ADDRESS: '' }),
      },
    ];

    for (const { title, args, says, exitCode = 1, surroundings = () => ({}) } of refused) {
      it(`refuses ${title} in one sentence and leaves no row`, async () => {
        const rowsBefore = await cli.countRows();

        // A tenant that is new would be made known by a submit that gets too far.
        const environment = { MUSTER_TENANT: 'newcomer', ...surroundings() };
        const result = await cli.run(args(), { environment });

        assert.equal(result.exitCode, exitCode, result.stderr);
        assert.equal(result.stdout, '');
        const [sentence = '', ...more] = result.stderr.trimEnd().split('\n');
        assert.deepEqual(more, []);
        assert.match(sentence, /^muster: [A-Z0-9"/a-z.-].*[.]$/);
        assert.match(sentence, says);
        assert.deepEqual(await cli.countRows(), rowsBefore);
      });
    }

    it('refuses malformed JSON and JSON that is no object for a graph that takes JSON', async () => {
      const worker = await cli.startWorker();
      await cli.untilIdle();
      const rowsBefore = await cli.countRows();

      const results = await Promise.all([
        cli.run(['submit', 'echo', '--input', cli.file('bad.json', '{"text":')]),
        cli.run(['submit', 'echo', '--input', cli.file('list.json', '[1]')]),
        cli.run(['submit', 'echo', '--input', cli.file('nul.json', '{"text":"\\u0000"}')]),
      ]);

      assert.deepEqual(
        results.map((result) => result.exitCode),
        [1, 1, 1],
      );
      assert.match(results[0]?.stderr ?? '', /bad\.json cannot be read: it is not valid JSON: .*Correct it there\.\n$/);
      assert.match(results[1]?.stderr ?? '', /must hold a JSON object like .*found a list\.\n$/);
      assert.match(results[2]?.stderr ?? '', /NUL character/);
      assert.deepEqual(await cli.countRows(), rowsBefore);
      assert.equal(worker.child.exitCode, null);
    });
  });

  describe('on an installation with a fault', () => {
    it('C083: says which step of the set-up failed and why, and is not ready', async () => {
      const port = await freePort();
      const broken: [Record<string, string>, RegExp][] = [
        [{ MUSTER_REDIS_URL: `redis://127.0.0.1:${port}` }, /^Redis at redis:\/\/127\.0\.0\.1:\d+ .* is not usable/],
        [{ TEMPORAL_ADDRESS: `127.0.0.1:${port}` }, /^Temporal at 127\.0\.0\.1:\d+ .* is not usable/],
        [{ MUSTER_DATABASE_URL: `postgres://m@127.0.0.1:${port}/m` }, /^PostgreSQL at .* is not usable/],
        [
          { MUSTER_DATABASE_OWNER_URL: `postgres://m@127.0.0.1:${port}/m` },
          /step "migrations" failed: .*run `muster up` again\./,
        ],
      ];
      for (const [faulty, says] of broken) {
        const { exitCode, stdout, stderr } = await cli.run(['up', '--json'], { environment: faulty });

        assert.equal(exitCode, 1);
        const [report] = jsonLines(stdout) as { ready: boolean }[];
        assert.equal(report?.ready, false);
        const { error } = JSON.parse(stderr.trimEnd().split('\n').at(-1) ?? '');
        assert.match(error.message, says);
      }
    });

    it('migrates with nothing but PostgreSQL', async () => {
      const environment = { MUSTER_REDIS_URL: '', TEMPORAL_ADDRESS: '', TEMPORAL_PROFILE: 'absent' };

      const { exitCode, stdout, stderr } = await cli.run(['migrate'], { environment });

      assert.deepEqual([exitCode, stdout, stderr], [0, 'The schema is up to date.\n', '']);
    });

    it('finds a schema that was changed manually, and names the change', async () => {
      await cli.query('alter table muster.tasks add by_hand text');

      const { exitCode, stdout, stderr } = await cli.run(['status']);

      assert.equal(exitCode, 1);
      assert.match(stdout, /^NO {2}schema: .*\n.*by_hand/m);
      assert.match(stderr, /^muster: Not ready: schema\./);
    });
  });
});
