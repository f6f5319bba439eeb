import assert from 'node:assert/strict';
import { governedTool } from '../../domain/tools/governed-tool.ts';
import { ApprovalsBed } from './approvals-bed.ts';

const small = { type: 'object', required: ['amount'], properties: { amount: { type: 'number', maximum: 50 } } };

describe('the authorisation of a call', function () {
  this.timeout(120_000);
  let bed: ApprovalsBed;

  before(async () => {
    bed = await ApprovalsBed.open('authorise');
  });
  after(() => bed?.close());
  afterEach(() => bed.forget());

  it('C009: denies by default what does more than read, and lets read what the definition names', async () => {
    const execution = await bed.task();
    const lookUp = governedTool({ name: 'look-up', risk: 'network_read' });
    const unclassified = governedTool({ name: 'unclassified' });

    const verdicts = [
      await bed.ask(execution),
      await bed.ask(execution, { index: 1, tool: lookUp }),
      await bed.ask(execution, { index: 2, tool: unclassified }),
    ].map(({ verdict }) => verdict);

    assert.deepEqual(verdicts, ['denied', 'allowed', 'denied']);
  });

  it('records each decision with its reason, its policy version and its grant', async () => {
    const execution = await bed.task();
    await bed.ask(execution);
    const grant = await bed.allow({ where: small });
    await bed.ask(execution, { index: 1 });
    await bed.ask(execution, { index: 2, arguments: { amount: 51 } });

    const decisions = await bed.decisions(execution.traceId);

    assert.deepEqual(
      decisions.map(({ verdict, policyVersion, grantId }) => ({ verdict, policyVersion, grantId })),
      [
        { verdict: 'denied', policyVersion: 0, grantId: null },
        { verdict: 'allowed', policyVersion: 1, grantId: grant },
        { verdict: 'denied', policyVersion: 1, grantId: null },
      ],
    );
    assert.match(decisions[0]?.reason ?? '', /it is external_write and was not granted/);
    assert.match(decisions[2]?.reason ?? '', /the arguments do not fit the grant .*#\/amount/);
  });

  it('S16: refuses what an agent asks another to do that it may not do itself', async () => {
    const execution = await bed.task();
    const ask = { agent: 'cashier', onBehalfOf: ['intern'] };
    await bed.allow({ agent: 'cashier' });

    const alone = await bed.ask(execution, { agent: 'cashier' });
    const forIntern = await bed.ask(execution, { ...ask, index: 1 });
    await bed.allow({ agent: 'intern', where: small });
    const withBoth = await bed.ask(execution, { ...ask, index: 2 });
    const beyond = await bed.ask(execution, { ...ask, index: 3, arguments: { amount: 51 } });

    assert.deepEqual(
      [alone, forIntern, withBoth, beyond].map(({ verdict }) => verdict),
      ['allowed', 'denied', 'allowed', 'denied'],
    );
    assert.match(forIntern.reason, /The agent "intern", for whom "cashier" acts, may not use the tool "refund"/);
  });

  it('S16: asks a person where one of those for whom an agent acts may act with an approval only', async () => {
    const execution = await bed.task();
    await bed.allow({ agent: 'cashier' });
    await bed.allow({ agent: 'intern', approval: true });

    const authorised = await bed.ask(execution, { agent: 'cashier', onBehalfOf: ['intern'] });

    assert.equal(authorised.verdict, 'waits');
  });

  it('counts the calls of a task once each, however often one is tried again', async () => {
    const execution = await bed.task();
    await bed.allow({ perTask: 2 });

    const verdicts: string[] = [];
    for (const index of [0, 0, 1, 1, 2, 0]) verdicts.push((await bed.ask(execution, { index })).verdict);
    const elsewhere = await bed.ask(await bed.task());

    assert.deepEqual(verdicts, ['allowed', 'allowed', 'allowed', 'allowed', 'denied', 'allowed']);
    assert.equal(elsewhere.verdict, 'allowed');
  });

  it('lets through as many calls at once as the limit says, and no more', async () => {
    const execution = await bed.task();
    await bed.allow({ perTask: 3 });

    const calls = Array.from({ length: 12 }, (_, index) => bed.ask(execution, { index }));
    const verdicts = (await Promise.all(calls)).map(({ verdict }) => verdict);

    assert.equal(verdicts.filter((verdict) => verdict === 'allowed').length, 3);
  });

  it('counts the calls of an hour over all tasks, and forgets those before', async () => {
    await bed.allow({ perHour: 2 });
    const [one, two, three] = [await bed.task(), await bed.task(), await bed.task()];

    const before = [await bed.ask(one), await bed.ask(two), await bed.ask(three)].map(({ verdict }) => verdict);
    await bed.query(`update muster.grant_uses set used_at = now() - interval '61 minutes'`);
    const later = await bed.ask(three);

    assert.deepEqual([...before, later.verdict], ['allowed', 'allowed', 'denied', 'allowed']);
  });

  it('does not let through what a grant allowed that has expired or was revoked', async () => {
    const execution = await bed.task();
    const revoked = await bed.allow();
    await bed.muster.client.call('grants.revoke', { id: revoked });
    await bed.allow({ expiresAt: new Date(Date.now() - 1_000) });

    const authorised = await bed.ask(execution);

    assert.equal(authorised.verdict, 'denied');
    assert.match(authorised.reason, /expired at/);
    await assert.rejects(bed.muster.client.call('grants.revoke', { id: revoked }), { code: 'grant_unknown' });
  });

  it('C009: denies everything under rows that were damaged, and names the damage', async () => {
    const execution = await bed.task();
    const lookUp = governedTool({ name: 'look-up', risk: 'read_only' });
    await bed.allow();
    await bed.query(`update muster.grants set condition = '{"maximum": 5}'`);

    const condition = await bed.ask(execution);
    await bed.query(`update muster.grants set condition = null; update muster.tool_policies set document = '"allow"'`);
    const policy = [await bed.ask(execution, { index: 1 }), await bed.ask(execution, { index: 2, tool: lookUp })];

    assert.equal(condition.verdict, 'denied');
    assert.match(condition.reason, /needs the type/);
    assert.deepEqual(
      policy.map(({ verdict }) => verdict),
      ['denied', 'denied'],
    );
    const view = await bed.muster.client.call('grants.policy', {});
    assert.deepEqual([view.policy, view.faults], [null, ['it must be a JSON object']]);
  });

  it('refuses a grant or a policy that would hold less than it says, and keeps what was before', async () => {
    const refused = [
      () => bed.allow({ where: { maximum: 5 } }),
      () => bed.allow({ where: { type: 'string', pattern: '(' } }),
      () => bed.allow({ where: [] }),
      () => bed.setPolicy({ risks: { external_write: 'yes' } }),
      () => bed.setPolicy({ tool: {} }),
    ];

    for (const call of refused) await assert.rejects(call(), { code: 'option_invalid' });

    assert.deepEqual(await bed.muster.client.call('grants.list', {}), []);
    assert.equal((await bed.muster.client.call('grants.policy', {})).version, 0);
  });

  it('grants names that nobody has, with a warning that names the nearest one', async () => {
    const { client } = bed.muster;
    await bed.query(`
      insert into muster.agents (id, tenant_id, name, type) values (gen_random_uuid(), 'default', 'triage', 'worker');
      insert into muster.offered_tools (tenant_id, name, description, risk, effect, timeout_ms)
        values ('system', 'refund', '', 'external_write', 'unsafe', 1000)`);

    const known = await client.call('grants.allow', { agent: 'triage', tool: 'refund' });
    const unknown = await client.call('grants.allow', { agent: 'triag', tool: 'mail' });

    assert.deepEqual(known.warnings, []);
    assert.deepEqual(unknown.warnings, [
      'No worker has hosted an agent "triag" yet. Did you mean "triage"?',
      'No worker has offered a tool "mail" yet.',
    ]);
    assert.equal((await client.call('grants.list', {})).length, 2);
  });

  it('counts the policy version up with each change, and audits who made it', async () => {
    const ada = bed.muster.client.as('ada');
    const { grant } = await ada.call('grants.allow', { agent: 'triage', tool: 'refund' }, { key: 'once' });
    await ada.call('grants.allow', { agent: 'triage', tool: 'refund' }, { key: 'once' });
    await ada.call('grants.setPolicy', { policy: { tools: { refund: 'never' } } });
    const { policyVersion } = await ada.call('grants.revoke', { id: grant.id });

    const audited = await bed.query<{ action: string; version: string }>(`
      select action, coalesce(details->>'policyVersion', details->>'version') as version from muster.audit_log
      where actor = 'ada' order by created_at`);

    assert.equal(policyVersion, 3);
    assert.deepEqual(
      audited.map(({ action, version }) => `${action} ${version}`),
      ['grant.allowed 1', 'tool_policy.changed 2', 'grant.revoked 3'],
    );
  });

  it('C001: stands as a person decided where its trace cannot be written, whose event is left out', async () => {
    const execution = await bed.task();
    await bed.allow({ approval: true });
    const id = await bed.asked(execution);
    await bed.query(`create function muster.break_events() returns trigger language plpgsql as $$
        begin raise exception 'the trace writer is broken'; end $$;
      create trigger break_events before insert on muster.trace_events
        for each row execute function muster.break_events()`);

    const decided = await bed.approve(id).finally(() => bed.query('drop function muster.break_events() cascade'));
    const authorised = await bed.ask(execution);

    assert.equal(decided.state, 'approved');
    assert.equal(authorised.verdict, 'allowed');
    assert.deepEqual(
      (await bed.decisions(execution.traceId)).map(({ verdict }) => verdict),
      ['waits', 'allowed'],
    );
  });
});
