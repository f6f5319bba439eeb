import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { conversationTurn } from '../../agents/conversation-turn/shipped-turn.ts';
import { ROOT } from '../architecture/source-files.ts';
import { CliUnderTest, STARTS_WITHIN } from '../cli/cli-under-test.ts';
import { codeBlocks, namedFiles } from '../docs/code-blocks.ts';
import { eventually } from '../support/eventually.ts';

const PAGE = 'docs/conversations.md';

describe('the command line, to those who speak', function () {
  this.timeout(240_000);
  let cli: CliUnderTest;

  before(async () => {
    cli = await CliUnderTest.open('cli conversations');
    symlinkSync(join(ROOT, 'node_modules'), join(cli.folder, 'node_modules'));
    await cli.startWorker();
  });
  after(() => cli?.close());

  /** The commands of the page with what they print, in their order. */
  const shown = codeBlocks(PAGE)
    .filter(({ language }) => language === 'console')
    .flatMap(({ text }) => [...text.matchAll(/^\$ npx muster (.+)\n((?:(?!\$ ).*\n)*)/gm)])
    .map(([, typed = '', output = '']) => ({ typed, output }));

  for (const program of ['desk.ts', 'support.ts']) {
    it(`runs ${program} of the page, which says what stands below it`, async () => {
      const file = cli.file(program, namedFiles(PAGE).get(program) ?? '');

      const { exitCode, stdout, stderr } = await cli.start(['run', file]).ended;

      assert.deepEqual([exitCode, stderr], [0, '']);
      assert.equal(stdout, shown.find(({ typed }) => typed === `run ${program}`)?.output);
    });
  }

  it('says something, waits for the reply and shows the conversation, as the page shows it', async () => {
    const own = shown.filter(({ typed }) => !typed.startsWith('run '));

    assert.equal(own.length, 3);
    for (const { typed, output } of own) {
      const words = [...typed.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);
      assert.equal((await cli.run(words)).stdout, output);
    }
  });

  it('says which turn an input has, once for each key, and lists the conversations', async () => {
    const first = await cli.ask<{ turn: number; duplicate: boolean }>(['say', 'desk-1', 'hello', '--key', 'a']);
    const again = await cli.ask<{ turn: number; duplicate: boolean }>(['say', 'desk-1', 'hello', '--key', 'a']);
    const told = await cli.run(['say', 'desk-1', 'hello', '--key', 'a', '--user', 'ada']);
    const listed = await cli.run(['conversations']);

    assert.deepEqual([first.turn, first.duplicate], [1, false]);
    assert.deepEqual([again.turn, again.duplicate], [1, true]);
    assert.match(told.stdout, /^Turn 1 is carried out by task \S+\. It had been said before\.$/m);
    assert.match(listed.stdout, /^conversation +turns +graph +user +last/m);
    assert.match(listed.stdout, /^desk-1 +1 +conversation-turn/m);
  });

  it('says while it waits that the turn, or the one before it, waits for a worker', async () => {
    const idle = await CliUnderTest.open('cli idle conversations');
    try {
      await idle.muster.client.publish([conversationTurn]);
      const first = idle.start(['say', 'desk-3', 'hello', '--wait']);
      await eventually(() => assert.match(first.stderr(), /^The task waits for .*worker/m), STARTS_WITHIN);
      const second = idle.start(['say', 'desk-3', 'hello?', '--wait']);
      await eventually(() => assert.match(second.stderr(), /^The task waits for .*worker/m), STARTS_WITHIN);
      for (const { child } of [first, second]) child.kill('SIGINT');
      const ends = await Promise.all([first.ended, second.ended]);

      assert.deepEqual(
        ends.map(({ exitCode, stdout }) => [exitCode, stdout]),
        [
          [1, ''],
          [1, ''],
        ],
      );
    } finally {
      await idle.close();
    }
  });

  it('refuses a policy that there is not, an unknown graph, an unknown conversation', async () => {
    await cli.fails(['say', 'desk-1', 'hello', '--on-busy', 'shout'], /"shout" cannot be the value of --on-busy/, 2);
    await cli.fails(['say', 'desk-2', 'hello', '--graph', 'nowhere'], /^muster: There is no graph "nowhere"/);
    await cli.fails(['conversations', 'desk-2'], /^muster: The tenant "default" has no conversation "desk-2"/);
  });
});
