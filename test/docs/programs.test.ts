import assert from 'node:assert/strict';
import { symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { defineAgent, defineGraph } from '../../index.ts';
import { ROOT, readText } from '../architecture/source-files.ts';
import { CliUnderTest, STARTS_WITHIN } from '../cli/cli-under-test.ts';
import { eventually } from '../support/eventually.ts';
import { codeBlocks, namedFiles } from './code-blocks.ts';

const UUID = /[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}/g;

/** What other pages submit to, without a worker. */
const name = z.object({ name: z.string() });
const greeter = defineAgent({ name: 'greeter', input: name, output: name, handle: (given) => given });
const nodes = { greet: { agent: greeter, input: { name: '/task/name' } } } as const;
const greeting = defineGraph({ name: 'greeting', input: name, nodes, output: '/nodes/greet' });

describe('the programs of the documents', function () {
  this.timeout(240_000);
  let cli: CliUnderTest;
  before(async () => {
    cli = await CliUnderTest.open('programs');
    symlinkSync(join(ROOT, 'node_modules'), join(cli.folder, 'node_modules'));
  });
  after(() => cli?.close());

  it('the README: a tool call that a person approves, by the commands that it shows', async () => {
    const [session = '', approval = '', rest = ''] = consolesUnder('README.md', 'An agent with tools');
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
    assert.equal(approved.stdout, outputOf(approval));
    assert.equal(anonymous(stdout), anonymous(outputOf(session) + rest));
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

    const { exitCode, stdout, stderr } = await cli.start(commandsIn(shown)[0] ?? [], { cwd: cli.folder }).ended;

    assert.deepEqual([exitCode, stderr], [0, '']);
    assert.equal(stdout, outputOf(shown));
  });

  it('docs/waiting.md: a graph asks, has a person approve and waits for a message, by the commands that it shows', async () => {
    const page = 'docs/waiting.md';
    const [, second = '', end = ''] = consolesUnder(page, 'Waiting');
    const [list = [], answer = [], approve = []] = commandsIn(second);
    const typed = (words: readonly string[], id: string) => words.map((word) => word.replace(UUID, id));

    const program = cli.start(['run', cli.file('refunds.ts', namedFiles(page).get('refunds.ts') ?? '')]);
    const task = await eventually(() => {
      const [, id] = /^task: (\S+)$/m.exec(program.stdout()) ?? [];
      assert.ok(id, program.stdout());
      return id;
    }, STARTS_WITHIN);
    const asked = await eventually(async () => {
      const { stdout } = await cli.run(typed(list, task));
      assert.match(stdout, /^ask asks for:/);
      return stdout;
    }, STARTS_WITHIN);
    const wrong = await cli.run(typed([...answer.slice(0, -1), 'order=17'], task));
    const answered = await cli.run(typed(answer, task));
    assert.equal(answered.exitCode, 0, answered.stderr);
    const id = await eventually(async () => {
      const { stdout } = await cli.run(['approvals', '--task', task]);
      const [found] = /^\S+(?= {2}waits\n {2}Pay this back\?\n {2}\{"amount":20\})/.exec(stdout) ?? [];
      assert.ok(found, stdout);
      return found;
    }, STARTS_WITHIN);
    const approved = await cli.run(typed(approve, id));
    const { exitCode, stdout, stderr } = await program.ended;

    assert.match(`${wrong.exitCode} ${wrong.stderr}`, /^1 muster: The answer cannot be used: Expected "order" /);
    assert.equal(asked + answered.stdout + approved.stdout, outputOf(second));
    assert.deepEqual([exitCode, stderr, stdout], [0, '', `task: ${task}\n${end}`]);
  });

  it('docs/models.md: keys are stored, listed and removed by the commands that it shows', async () => {
    const settings = codeBlocks('docs/models.md').find(({ language }) => language === 'json')?.text ?? '';
    const environment = { MUSTER_MODELS: cli.file('models.json', settings), MUSTER_SECRET_KEY: '3c'.repeat(32) };
    const [setTenants = [], setUsers = [], list = [], remove = []] = commandsOf('docs/models.md');

    for (const set of [setTenants, setUsers]) {
      const { exitCode, stderr } = await cli.start(set, { environment, stdin: 'sk-main\n' }).ended;
      assert.equal(exitCode, 0, stderr);
    }
    const listed = await cli.run(list, { environment });
    const removed = await cli.run(remove, { environment });

    assert.match(listed.stdout, /^default +main +large-2 +128000 +8000 +tenant +1 /m);
    assert.match(listed.stdout, /^ +spare +small-7b +32000 +4000 +not needed /m);
    assert.equal(removed.stdout, 'The key for main is removed.\n');
  });

  it('docs/budgets.md: a budget is set, shown and raised by the program and the commands that it shows', async () => {
    await cli.muster.client.publish([greeting]);
    const program = codeBlocks('docs/budgets.md').find(({ text }) => text.includes('await connect()'))?.text ?? '';
    const ran = await cli.start(['run', cli.file('budgets.ts', program)]).ended;
    const [task] = await cli.muster.client.tasks({ graph: 'greeting' });
    const [list = [], grant = []] = commandsOf('docs/budgets.md');

    const listed = await cli.run(list);
    const granted = await cli.run(grant.map((word) => word.replace(UUID, task?.id ?? '')));

    assert.deepEqual([ran.exitCode, ran.stderr], [0, '']);
    assert.match(listed.stdout, /user:ada +money +25\.00/);
    assert.match(listed.stdout, /task:\S+ +tokens +100000/);
    assert.equal(granted.exitCode, 0, granted.stderr);
  });

  it('docs/tools.md: policy, grants and approvals are ruled by the commands that it shows', async () => {
    const commands = commandsOf('docs/tools.md');
    const run = async (beginning: string, id = '') => {
      const typed = commands.find((words) => words.join(' ').startsWith(beginning));
      assert.ok(typed, `expected a command that begins with ${beginning}`);
      const { exitCode, stdout, stderr } = await cli.run(typed.map((word) => word.replace(UUID, id)));
      return { exitCode, stdout, stderr };
    };

    const done = [
      await run('call grants.setPolicy'),
      await run('grants allow triage refund --per-task'),
      await run('grants allow triage refund --approval'),
      await run('approvals'),
    ];
    const shown = await run('grants');
    const [grant] = await cli.muster.client.call('grants.list', {});
    const revoked = await run('grants revoke', grant?.id);
    const decided = [await run('approve', grant?.id), await run('reject', grant?.id)];

    for (const { exitCode, stderr } of [...done, revoked]) assert.equal(exitCode, 0, stderr);
    assert.match(shown.stdout, /triage +refund +1 a task, 20 an hour, until/);
    assert.match(shown.stdout, /triage +refund +with approval/);
    for (const { exitCode, stderr } of decided) assert.match(`${exitCode} ${stderr}`, /^1 muster: .* has no approval /);
  });
});

/** The commands of a page, in their order. */
function commandsOf(path: string): string[][] {
  return codeBlocks(path).flatMap(({ language, text }) => (language === 'console' ? commandsIn(text) : []));
}

/** The blocks below a heading that show a terminal, up to the page's next part. */
function consolesUnder(path: string, heading: string): string[] {
  const [, text = ''] = readText(path).split(new RegExp(`^#+ ${heading}.*$`, 'm'));
  const [section = ''] = text.split(/^#{1,2} /m);
  return [...section.matchAll(/^```(?:console|text)\n([\s\S]*?)^```$/gm)].map(([, session = '']) => session);
}

/** The arguments of each `muster` command of a session. */
function commandsIn(session: string): string[][] {
  const lines = session.replaceAll(/\\\n\s*/g, '').matchAll(/^\$ (?:npm run -s muster --|npx muster) (.+)$/gm);
  return [...lines].map(([, typed = '']) => wordsOf(typed));
}

/** A command as a shell splits it, without what follows `<`, which is given on standard input. */
function wordsOf(typed: string): string[] {
  const [command = ''] = typed.split(' < ');
  return [...command.matchAll(/'([^']*)'|\S+/g)].map(([word, quoted]) => quoted ?? word);
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
