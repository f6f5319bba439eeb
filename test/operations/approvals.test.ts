import assert from 'node:assert/strict';
import { openClientStores } from '../../client/open-stores.ts';
import type { Json } from '../../domain/json.ts';
import { callOperation } from '../../operations/call.ts';
import { ALL_PERMISSIONS, type Caller } from '../../operations/caller.ts';
import type { Operation } from '../../operations/define.ts';
import { OPERATIONS } from '../../operations/register.ts';
import { ApprovalsBed } from './approvals-bed.ts';

const small = { type: 'object', required: ['amount'], properties: { amount: { type: 'number', maximum: 50 } } };

describe('the approval of a call', function () {
  this.timeout(120_000);
  let bed: ApprovalsBed;

  before(async () => {
    bed = await ApprovalsBed.open('approvals');
  });
  after(() => bed?.close());
  beforeEach(() => bed.allow({ approval: true }));
  afterEach(() => bed.forget());

  const outboxOf = (taskId: string) =>
    bed.query(`select payload from muster.outbox where topic = 'approval.decided' and task_id = '${taskId}'`);

  it('waits for a person, who is asked once, however often the call is tried', async () => {
    const execution = await bed.task();

    const id = await bed.asked(execution);
    const again = await bed.asked(execution);
    const [listed, ...others] = await bed.muster.client.call('approvals.list', { task: execution.taskId });

    assert.equal(again, id);
    assert.deepEqual(others, []);
    assert.deepEqual(
      [listed?.id, listed?.agent, listed?.tool, listed?.state, listed?.request.arguments],
      [id, 'triage', 'refund', 'waiting', { order: 'A-17', amount: 20 }],
    );
    assert.deepEqual(
      (await bed.decisions(execution.traceId)).map(({ verdict }) => verdict),
      ['waits'],
    );
  });

  it('lets the call be made that a person approved, and tells the task by the outbox', async () => {
    const execution = await bed.task();
    const id = await bed.asked(execution);

    const decided = await bed.muster.client.as('ada').call('approvals.decide', { id, verdict: 'approve' });
    const authorised = await bed.ask(execution);

    assert.deepEqual([decided.state, decided.decidedBy], ['approved', 'ada']);
    assert.ok(authorised.verdict === 'allowed');
    assert.deepEqual([authorised.approvalId, authorised.arguments], [id, { order: 'A-17', amount: 20 }]);
    assert.deepEqual(await outboxOf(execution.taskId), [{ payload: { approvalId: id, traceNumber: 1 } }]);
    assert.deepEqual(
      (await bed.decisions(execution.traceId)).map(({ verdict }) => verdict),
      ['waits', 'approved', 'allowed'],
    );
  });

  it('lets the model read why a person rejected its call', async () => {
    const execution = await bed.task();
    const id = await bed.asked(execution);

    await assert.rejects(bed.muster.client.call('approvals.decide', { id, verdict: 'reject' }), {
      code: 'option_invalid',
    });
    await bed.reject(id, 'Paid back already.');
    const authorised = await bed.ask(execution);

    assert.equal(authorised.verdict, 'denied');
    assert.match(authorised.reason, /rejected it: Paid back already\./);
  });

  it('holds what a person puts in place of the arguments to the schema of the tool, and decides nothing otherwise', async () => {
    const execution = await bed.task();
    const inputSchema = { type: 'object', properties: { order: { type: 'string' } }, required: ['order'] };
    const id = await bed.asked(execution, { inputSchema });

    await assert.rejects(bed.approve(id, { arguments: { order: 17, amount: 20 } }), (error: Error) => {
      assert.match(error.message, /the arguments do not fit the tool \(#\/order: .*\)\. It still waits\./);
      return 'code' in error && error.code === 'approval_refused';
    });
    const still = await bed.ask(execution, { inputSchema });
    await bed.approve(id, { arguments: { order: 'A-18' } });

    assert.equal(still.verdict, 'waits');
    const authorised = await bed.ask(execution, { inputSchema });
    assert.deepEqual(authorised.verdict === 'allowed' && authorised.arguments, { order: 'A-18' });
  });

  it('S19: refuses the call whose arguments were changed after the approval', async () => {
    const execution = await bed.task();
    await bed.approve(await bed.asked(execution));

    const changed = { order: 'A-17', amount: 2_000 };
    const swapped = await bed.ask(execution, { arguments: changed });
    const elsewhere = await bed.ask(execution, { index: 1, arguments: changed });
    const asApproved = await bed.ask(execution);

    assert.equal(swapped.verdict, 'denied');
    assert.match(swapped.reason, /its arguments were changed/);
    assert.equal(elsewhere.verdict, 'waits');
    assert.equal(asApproved.verdict, 'allowed');
  });

  it('S19: refuses what was changed in the row after the approval, the arguments and those in their place', async () => {
    const [one, two] = [await bed.task(), await bed.task()];
    await bed.approve(await bed.asked(one));
    await bed.approve(await bed.asked(two), { arguments: { order: 'A-17', amount: 5 } });

    await bed.query(`update muster.approvals set request = jsonb_set(request, '{arguments,amount}', '2000')
      where task_id = '${one.taskId}'`);
    await bed.query(`update muster.approvals set decision = jsonb_set(decision, '{arguments,amount}', '2000')
      where task_id = '${two.taskId}'`);
    const [first, second] = [await bed.ask(one), await bed.ask(two)];

    assert.deepEqual([first.verdict, second.verdict], ['denied', 'denied']);
    assert.match(second.reason, /what they approved was changed/);
  });

  it('S19: refuses the approval of another call: of another agent, tool, step or task', async () => {
    const [execution, other] = [await bed.task(), await bed.task()];
    await bed.allow({ agent: 'writer', approval: true });
    await bed.approve(await bed.asked(execution));

    const writer = await bed.ask(execution, { agent: 'writer' });
    const step = await bed.ask(execution, { step: 2 });
    const task = await bed.ask(other);

    assert.deepEqual([writer.verdict, step.verdict, task.verdict], ['denied', 'waits', 'waits']);
  });

  it('lets the call be made with what a person put in place of the arguments, whatever JSON it is', async () => {
    const edits: Json[] = [false, 0, '', null, [], { order: 'A-17', amount: 1 }];

    for (const edited of edits) {
      const execution = await bed.task();
      await bed.approve(await bed.asked(execution), { arguments: edited });
      const authorised = await bed.ask(execution);
      assert.ok(authorised.verdict === 'allowed', JSON.stringify(edited));
      assert.deepEqual(authorised.arguments, edited);
    }
  });

  it('does not let a person put arguments that were not granted, and still waits', async () => {
    await bed.forget();
    await bed.allow({ approval: true, where: small });
    const execution = await bed.task();
    const id = await bed.asked(execution);

    await assert.rejects(bed.approve(id, { arguments: { amount: 51 } }), { code: 'approval_refused' });

    assert.equal(await bed.asked(execution), id);
  });

  it('checks again when the call is made: the time, the grant and the policy', async () => {
    const late = await bed.task();
    await bed.approve(await bed.asked(late));
    await bed.query(`update muster.approvals set expires_at = now() where task_id = '${late.taskId}'`);
    const expired = await bed.ask(late);

    const other = await bed.task();
    await bed.approve(await bed.asked(other));
    await bed.allow({ agent: 'writer' });
    const unrelated = await bed.ask(other);
    await bed.setPolicy({ tools: { refund: 'never' } });
    const ruledOut = await bed.ask(other);
    await bed.setPolicy(null);
    const grants = await bed.muster.client.call('grants.list', { agent: 'triage' });
    for (const { id } of grants) await bed.muster.client.call('grants.revoke', { id });
    const revoked = await bed.ask(other);

    const found = [expired, unrelated, ruledOut, revoked].map(({ verdict }) => verdict);
    assert.deepEqual(found, ['denied', 'allowed', 'denied', 'denied']);
    assert.match(expired.reason, /The time to decide and to call ended/);
    assert.match(ruledOut.reason, /never allowed/);
    assert.match(revoked.reason, /was not granted/);
  });

  it('ends as denied as soon as it is looked at where its grant was revoked meanwhile', async () => {
    await bed.forget();
    const grant = await bed.allow({ approval: true });
    const execution = await bed.task();
    await bed.asked(execution);
    await bed.muster.client.call('grants.revoke', { id: grant });

    const authorised = await bed.ask(execution);

    assert.equal(authorised.verdict, 'denied');
    assert.match(authorised.reason, /was not granted/);
  });

  it('ends with its time: nobody decides any more, and the call is denied', async () => {
    const execution = await bed.task();
    const id = await bed.asked(execution);
    await bed.query(`update muster.approvals set expires_at = now() where id = '${id}'`);

    await assert.rejects(bed.approve(id), { code: 'approval_closed', message: /expired at/ });
    const authorised = await bed.ask(execution);

    assert.equal(authorised.verdict, 'denied');
    assert.deepEqual(await bed.muster.client.call('approvals.list', { task: execution.taskId }), []);
    assert.equal((await bed.muster.client.call('approvals.list', { task: execution.taskId, all: true })).length, 1);
  });

  it('ends no later than the grant that it is by', async () => {
    await bed.forget();
    const expiresAt = new Date(Date.now() + 60_000);
    await bed.allow({ approval: true, expiresAt });

    const authorised = await bed.ask(await bed.task());

    assert.ok(authorised.verdict === 'waits');
    assert.deepEqual(authorised.expiresAt, expiresAt);
  });

  it('is decided once: of two at once the first counts, and the second is told who made it', async () => {
    const execution = await bed.task();
    const id = await bed.asked(execution);
    const people = ['ada', 'bob', 'cyd', 'dan'];

    const said = await Promise.allSettled(
      people.map((name, index) =>
        bed.muster.client.as(name).call('approvals.decide', {
          id,
          ...(index % 2 === 0 ? { verdict: 'approve' } : { verdict: 'reject', reason: 'no' }),
        }),
      ),
    );
    const counted = said.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const told = said.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));

    assert.equal(counted.length, 1);
    const [{ state, decidedBy } = { state: '', decidedBy: '' }] = counted;
    for (const { code, message } of told) {
      assert.equal(code, 'approval_closed');
      assert.match(message, new RegExp(`was ${state} by ${decidedBy} at `));
    }
    const audited = await bed.query(`select actor from muster.audit_log where subject_id = '${id}'`);
    assert.deepEqual(audited, [{ actor: decidedBy }]);
    assert.equal((await outboxOf(execution.taskId)).length, 1);
  });

  it('is not decided for a task that has ended', async () => {
    const execution = await bed.task();
    const id = await bed.asked(execution);
    await bed.end(execution.taskId);

    await assert.rejects(bed.approve(id), { code: 'approval_closed', message: /a task that has ended/ });

    assert.deepEqual(await bed.muster.client.call('approvals.list', { task: execution.taskId }), []);
  });

  it('is no affair of another tenant', async () => {
    const id = await bed.asked(await bed.task());
    const other = await bed.muster.connect({ tenant: 'other' });

    await assert.rejects(other.call('approvals.decide', { id, verdict: 'approve' }), { code: 'approval_unknown' });

    assert.deepEqual(await other.call('approvals.list', { all: true }), []);
  });

  it('is not for agents to decide, nor are grants, budgets and keys for them to change, whatever they are permitted', async () => {
    const execution = await bed.task();
    const id = await bed.asked(execution);
    const stores = await openClientStores({ environment: bed.muster.environment });
    const caller: Caller = { kind: 'agent', name: 'triage', tenant: stores.tenant, permissions: ALL_PERMISSIONS };
    const call = (name: string, input: object) => {
      const operation = OPERATIONS.find((one) => one.name === name);
      return callOperation(operation as unknown as Operation<string, object>, { caller, stores }, input);
    };

    try {
      await assert.rejects(call('approvals.decide', { id, verdict: 'approve' }), { code: 'permission_denied' });
      await assert.rejects(call('grants.allow', { agent: 'triage', tool: 'refund' }), { code: 'permission_denied' });
      await assert.rejects(call('grants.revoke', { id: 'one' }), { code: 'permission_denied' });
      await assert.rejects(call('grants.setPolicy', { policy: null }), { code: 'permission_denied' });
      await assert.rejects(call('budgets.set', { scope: 'tenant', steps: 9 }), { code: 'permission_denied' });
      await assert.rejects(call('budgets.grant', { scope: 'tenant', steps: 9 }), { code: 'permission_denied' });
      await assert.rejects(call('budgets.unset', { scope: 'tenant' }), { code: 'permission_denied' });
      await assert.rejects(call('models.setKey', { provider: 'p', key: 'k' }), { code: 'permission_denied' });
      await assert.rejects(call('models.removeKey', { provider: 'p' }), { code: 'permission_denied' });
      await assert.rejects(call('effects.settle', { effect: 'one', happened: true }), { code: 'permission_denied' });
      await assert.rejects(call('evals.record', { id: 'one', scores: [] }), { code: 'permission_denied' });
      const score = { graph: 'a', eval: 'b', scorer: 'c', atLeast: 1 };
      await assert.rejects(call('graphs.require', score), { code: 'permission_denied' });
      await assert.rejects(call('tasks.fork', { id: 'one', at: 'a' }), { code: 'permission_denied' });
      await assert.rejects(call('tasks.import', { lines: [] }), { code: 'permission_denied' });
      const byPeople = OPERATIONS.filter(({ by }) => by === 'person').map(({ name }) => name);
      assert.equal(byPeople.length, 14, `each of them is called above: ${byPeople}`);
    } finally {
      await stores.close();
    }
    assert.equal(await bed.asked(execution), id);
  });
});
