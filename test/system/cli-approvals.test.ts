import assert from 'node:assert/strict';
import { HostedCommands } from '../cli/hosted-commands.ts';
import { ApprovalsBed } from '../operations/approvals-bed.ts';

const SMALL = '{"type":"object","required":["amount"],"properties":{"amount":{"type":"number","maximum":50}}}';

describe('muster grants, approvals, approve and reject', function () {
  this.timeout(240_000);
  let bed: ApprovalsBed;
  let commands: HostedCommands;

  before(async () => {
    bed = await ApprovalsBed.open('cli approvals');
    commands = new HostedCommands();
  });
  after(async () => {
    await commands?.close();
    await bed?.close();
  });
  afterEach(() => bed.forget());

  const run = async (...args: string[]) => {
    const { exitCode, stdout, stderr } = await commands.run(args, { environment: bed.muster.environment });
    return { exitCode, stdout, stderr };
  };
  const json = async (...args: string[]) => {
    const { stdout, stderr } = await run(...args, '--json');
    assert.equal(stderr, '');
    return JSON.parse(stdout);
  };

  it('grant a tool within limits, show it with what the tenant rules, and take it back', async () => {
    const limits = ['--per-task', '2', '--per-hour', '9', '--expires', '2h', '--where', SMALL, '--approval'];

    const { grant } = await json('grants', 'allow', 'triage', 'refund', ...limits);
    const shown = await run('grants');
    const revoked = await run('grants', 'revoke', grant.id.toUpperCase());
    const after = await run('grants');

    assert.deepEqual([grant.perTask, grant.perHour, grant.approval, grant.condition], [2, 9, true, JSON.parse(SMALL)]);
    assert.match(shown.stdout, /policy version 1\n {2}allow {2}read_only\n[\s\S]*grant {2}high_risk/);
    assert.match(shown.stdout, /triage +refund +with approval, 2 a task, 9 an hour, until /);
    assert.match(revoked.stdout, /triage may not use refund by the grant .* any more\./);
    assert.match(after.stdout, /policy version 2\n[\s\S]*No tool is granted\./);
  });

  it('warn of names that nobody has, and show tools, their sources, and grants whose tool has changed', async () => {
    await bed.query(`
      insert into muster.offered_tools (tenant_id, name, source, description, risk, effect, timeout_ms, digest)
        values ('system', 'crm.find', 'crm', 'Finds' || chr(27) || '[2J customers.', 'network_read', 'none', 9000, 'a');
      insert into muster.tool_sources (tenant_id, name, state, fault, process)
        values ('system', 'crm', 'unavailable', 'connect ECONNREFUSED', 'worker')`);
    const allowed = await run('grants', 'allow', 'triage', 'crm.fnd');
    await run('grants', 'allow', 'triage', 'crm.find');
    const before = await run('grants');
    await bed.query(`update muster.offered_tools set digest = 'b'`);
    const after = await run('grants');
    const tools = await run('tools');
    const data = await json('tools');

    assert.match(allowed.stdout, /No worker has offered a tool "crm\.fnd" yet\. Did you mean "crm\.find"\?/);
    assert.match(allowed.stdout, /triage may use crm\.fnd: grant /);
    assert.doesNotMatch(before.stdout, /changed/);
    assert.match(after.stdout, /triage +crm\.find +changed/);
    assert.match(tools.stdout, /crm\.find +network_read +none +9 s +.* Finds.*customers\./);
    assert.match(tools.stdout, /crm +unavailable +.* connect ECONNREFUSED/);
    assert.ok(!tools.stdout.includes('\u001b[2J'));
    assert.deepEqual([data.tools[0].name, data.sources[0].state], ['crm.find', 'unavailable']);
  });

  it('refuse a condition that would hold less than it says, and what is no JSON, in one sentence', async () => {
    const wide = await run('grants', 'allow', 'triage', 'refund', '--where', '{"maximum":50}');
    const none = await run('grants', 'allow', 'triage', 'refund', '--where', '{maximum:50}');
    const id = await run('approve', 'A-17');

    assert.match(wide.stderr, /^muster: grants\.allow was called incorrectly: `where` .*needs the type "number"/);
    assert.match(none.stderr, /^muster: "\{maximum:50\}" cannot be the value of --where\. Expected JSON: /);
    assert.match(id.stderr, /^muster: "A-17" is not the id of an approval/);
    assert.deepEqual([wide.exitCode, none.exitCode, id.exitCode], [1, 2, 2]);
  });

  it('list what waits with its arguments in full, and decide on it', async () => {
    await bed.allow({ approval: true });
    const [one, two, three] = [await bed.task(), await bed.task(), await bed.task()];
    const ids = [await bed.asked(one), await bed.asked(two), await bed.asked(three)];
    const [first = '', second = '', third = ''] = ids;

    const listed = await run('approvals');
    const approved = await run('approve', first, '--as', 'ada');
    const edited = await run('approve', second, '--arguments', 'false');
    const rejected = await run('reject', third, '--reason', 'Paid back already.');
    const again = await run('reject', first, '--reason', 'too late');
    const answers = [await bed.ask(one), await bed.ask(two), await bed.ask(three)];

    for (const id of ids) assert.ok(listed.stdout.includes(id));
    assert.match(listed.stdout, /triage wants to call refund \(external_write\)\n {2}\{"order":"A-17","amount":20\}/);
    assert.match(approved.stdout, /^Approved: triage may call refund now\./);
    assert.match(edited.stdout, /^Approved with other arguments/);
    assert.match(rejected.stdout, /^Rejected: /);
    assert.match(again.stderr, /was approved by ada at .*Nothing was changed\./);
    assert.deepEqual(
      answers.map((answer) => ('arguments' in answer ? answer.arguments : answer.verdict)),
      [{ order: 'A-17', amount: 20 }, false, 'denied'],
    );
    assert.equal((await run('approvals')).stdout, 'Nothing waits for a person.\n');
    assert.equal((await json('approvals', '--all')).length, 3);
  });
});
