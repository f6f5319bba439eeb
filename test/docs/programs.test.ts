import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, readText } from '../architecture/source-files.ts';
import { CliUnderTest, STARTS_WITHIN } from '../cli/cli-under-test.ts';
import { eventually } from '../support/eventually.ts';
import { codeBlocks, namedFiles } from './code-blocks.ts';

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

describe('the programs of the documents', function () {
  this.timeout(240_000);
  let cli: CliUnderTest;
  before(async () => {
    cli = await CliUnderTest.open('programs');
  });
  after(() => cli?.close());

  it('the README: a tool call that a person approves, by the commands that it shows', async () => {
    const [session = '', approval = ''] = consolesUnder('README.md', 'An agent with tools');
    const [up, run = []] = commandsIn(session);
    const [approve = []] = commandsIn(approval);

    const program = cli.start(run);
    const id = await eventually(() => shownApproval(program.stdout()), STARTS_WITHIN);
    const waiting = await cli.run(['approvals']);
    const approved = await cli.run([...approve.slice(0, -1), id]);
    const { exitCode, stdout, stderr } = await program.ended;
    const shown = await cli.run(['show', /show (\S+)$/m.exec(stdout)?.[1] ?? '']);

    assert.deepEqual(up, ['up']);
    assert.deepEqual([exitCode, stderr], [0, '']);
    assert.match(waiting.stdout, /triage wants to call refund \(external_write\)\n {2}\{"order":"A-17","amount":20\}/);
    assert.match(approved.stdout, /^Approved: triage may call refund now\./);
    assert.ok(anonymous(stdout).startsWith(anonymous(outputOf(session))), stdout);
    assert.match(
      stdout,
      /refund: approved\n.*approved it\.\nanswer: \{\n {2}reply: 'We are sorry .*Your money is on its way/,
    );
    assert.match(shown.stdout, /├ step 1 .*\n.*└ look-up-order {2}done.*\n.*├ step 2 .*\n.*└ refund {2}done.*receipt/);
  });

  it('the same example, when the person refuses: nothing is paid back, and the customer is told', async () => {
    const [session = ''] = consolesUnder('README.md', 'An agent with tools');
    const program = cli.start(commandsIn(session)[1] ?? []);
    const id = await eventually(() => shownApproval(program.stdout()), STARTS_WITHIN);

    await cli.run(['reject', id, '--reason', 'Ask the carrier first.']);
    const { exitCode, stdout } = await program.ended;

    assert.equal(exitCode, 0);
    assert.match(stdout, /refund: denied\. .*Ask the carrier first\.[\s\S]*A colleague looks into your refund/);
  });

  it('examples/research-team.ts: agents hand their work on, and what they spend is counted in one budget', async () => {
    const [command = ''] = /run examples\/\S+ --script \S+/.exec(readText('examples/research-team.ts')) ?? [];

    const { exitCode, stdout, stderr } = await cli.start(command.split(' ')).ended;
    const shown = await cli.run(['show', /show (\S+)/.exec(stdout)?.[1] ?? '']);

    assert.deepEqual([exitCode, stderr], [0, '']);
    const ends = [...stdout.matchAll(/^done: (.+)$/gm)].map(([, path]) => path);
    assert.deepEqual(ends.toSorted(), ['edit', 'plan', 'research', 'research[0]/find', 'research[1]/find', 'write']);
    assert.match(stdout, /^How to make green tea\nUse water of 70 to 80 °C: .*\(tea book, page 12\)/m);
    assert.match(stdout, /^steps:\n {2}plan 1: [\s\S]*\n {2}edit 1: 390 \+ 58 tokens\n\n/m);
    assert.match(stdout, /^ {2}research\[1\]\/find 1: 190 \+ 16 tokens, search-notes done$/m);
    assert.match(stdout, /^ {2}steps: 7 of 16$/m);
    assert.match(shown.stdout, /research\[0\]\/find: 500 \+ 42 tokens/);
    assert.match(shown.stdout, /^budget .*steps 7 of 16/m);
  });

  it('docs/agents.md: the thinking agent runs with the script that stands below it', async () => {
    const page = 'docs/agents.md';
    const script = codeBlocks(page).find(({ language }) => language === 'json')?.text ?? '';
    const [shown = ''] = consolesUnder(page, 'Thinking agents');
    cli.file('triage.ts', namedFiles(page).get('triage.ts') ?? '');
    cli.file('triage.script.json', script);
    symlinkSync(join(ROOT, 'node_modules'), join(cli.folder, 'node_modules'));

    const { exitCode, stdout, stderr } = await cli.start(commandsIn(shown)[0] ?? [], { cwd: cli.folder }).ended;

    assert.deepEqual([exitCode, stderr], [0, '']);
    assert.equal(stdout, outputOf(shown));
  });
});

/** The terminal sessions below a heading, up to the next one of its level or a higher one. */
function consolesUnder(path: string, heading: string): string[] {
  const [, text = ''] = readText(path).split(new RegExp(`^#+ ${heading}.*$`, 'm'));
  const [section = ''] = text.split(/^#{1,2} /m);
  return [...section.matchAll(/^```console\n([\s\S]*?)^```$/gm)].map(([, session = '']) => session);
}

/** The arguments of each `muster` command of a session. */
function commandsIn(session: string): string[][] {
  const lines = [...session.matchAll(/^\$ (?:npm run -s muster --|npx muster) (.+)$/gm)];
  return lines.map(([, typed = '']) => typed.split(' '));
}

function outputOf(session: string): string {
  return session.replace(/^\$ .*\n/gm, '');
}

function shownApproval(output: string): string {
  const [, id] = / approve (\S+)$/m.exec(output) ?? [];
  assert.ok(id, `expected a command to approve in ${output}`);
  return id;
}

/** Without the ids, which differ from run to run. */
function anonymous(text: string): string {
  return text.replace(UUID, 'ID');
}
