import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { NewLease } from '../../domain/agents/lease.ts';
import { type AgentId, type LeaseId, SYSTEM_TENANT, type TenantId } from '../../domain/ids.ts';
import { EXECUTION_RULES } from '../../domain/tasks/execution.ts';
import { AgentLease } from '../../entities/agents/agent-lease.ts';
import { AgentRepository } from '../../entities/agents/agent-repository.ts';
import { HostingRepository } from '../../entities/agents/hosting-repository.ts';
import { LeaseRepository } from '../../entities/agents/lease-repository.ts';
import { AgentsUnderTest } from '../support/agents.ts';
import { sharedStack } from '../support/stack.ts';

describe('the leases of processes', () => {
  let agents: AgentsUnderTest;

  before(async () => {
    agents = await AgentsUnderTest.open(await sharedStack(), 'leases');
  });
  after(() => agents?.close());

  const leases = <Result>(
    work: (repository: LeaseRepository, em: SqlEntityManager) => Promise<Result>,
  ): Promise<Result> => agents.database.single.inTenant(SYSTEM_TENANT, ({ em }) => work(new LeaseRepository(em), em));
  const newLease = (process: string): NewLease => ({
    id: randomUUID() as LeaseId,
    tenant: SYSTEM_TENANT,
    process,
    agentIds: [randomUUID() as AgentId],
    publicKey: 'MCowBQYDK2VwAyEA',
  });

  it('A5: have a fence that grows with each grant', async () => {
    const fences: number[] = [];
    for (const process of ['one', 'two', 'one']) {
      fences.push((await leases((repository) => repository.open(newLease(process)))).fence);
    }

    assert.deepEqual(
      fences,
      [...fences].sort((one, other) => one - other),
    );
    assert.equal(new Set(fences).size, 3);
  });
  const find = (ids: LeaseId[], tenant: string = SYSTEM_TENANT) =>
    agents.database.single.inTenant(tenant, async ({ em }) =>
      (await em.find(AgentLease, { id: { $in: ids } })).map(
        ({ tenantId, taskQueue: _, handlers: __, executionRules: ___, ...lease }) => ({
          ...lease,
          tenant: tenantId,
        }),
      ),
    );
  /** A beat for no agent. */
  const renew = async (leaseId: LeaseId) => {
    const beat = { leaseId, agents: [] };
    return (await leases((_, em) => new AgentRepository(em).beat(beat))) !== null;
  };

  it('are granted once however often they are asked for', async () => {
    const wanted = newLease('again');

    const first = await leases((repository) => repository.open(wanted));
    const second = await leases((repository) => repository.open(wanted));

    assert.deepEqual(second, first);
    const [found, ...more] = await find([wanted.id]);
    assert.deepEqual(more, []);
    assert.deepEqual(
      { ...found, renewedAt: null },
      {
        ...wanted,
        fence: first.fence,
        grantedAt: found?.grantedAt,
        renewedAt: null,
        endedAt: null,
        endReason: null,
      },
    );
    assert.ok(found?.grantedAt instanceof Date);
  });

  it('of workers say which execution rules they know, and others do not', async () => {
    const worker = { ...newLease('hosting'), hosting: { taskQueue: 'queue', handlers: [] } };
    const program = newLease('program');
    for (const lease of [worker, program]) await leases((repository) => repository.open(lease));

    const rules = (id: LeaseId) => leases(async (_, em) => (await em.findOneOrFail(AgentLease, id)).executionRules);

    assert.deepEqual([await rules(worker.id), await rules(program.id)], [EXECUTION_RULES, null]);
  });

  it('A5: are not renewed once they have ended, and end once', async () => {
    const { id } = await leases((repository) => repository.open(newLease('closing')));

    assert.equal(await renew(id), true);
    assert.equal(await leases((repository) => repository.close(id, 'stopped')), true);
    assert.equal(await leases((repository) => repository.close(id, 'failed')), false);
    assert.equal(await renew(id), false);

    const [ended] = await find([id]);
    assert.equal(ended?.endReason, 'stopped');
    assert.ok(ended?.endedAt instanceof Date);
  });

  it('A5: expire when they were not renewed for long enough, and no others', async () => {
    const silent = await leases((repository) => repository.open(newLease('silent')));
    const renewed = await leases((repository) => repository.open(newLease('renewed')));
    await agents.silence('silent', 46);

    const expire = () => agents.database.single.inSystem('supervise', ({ em }) => new LeaseRepository(em).expire(45));
    const expired = await expire();

    assert.deepEqual(
      expired.map(({ id, process, fence }) => ({ id, process, fence })),
      [{ ...silent, process: 'silent' }],
    );
    assert.ok((expired[0]?.silentSeconds ?? 0) >= 46);
    assert.deepEqual(await expire(), []);
    assert.equal(await renew(silent.id), false);
    assert.equal(await renew(renewed.id), true);
  });

  it('are seen by their tenant, and the shared ones by everybody', async () => {
    await agents.asSuperuser(`insert into muster.tenants (id) values ('acme'), ('other') on conflict do nothing`);
    const own = { ...newLease('program'), tenant: 'acme' as TenantId };
    const shared = newLease('worker');
    const openIn = (tenant: string, lease: NewLease) =>
      agents.database.single.inTenant(tenant, ({ em }) => new LeaseRepository(em).open(lease));
    await openIn('acme', own);
    await openIn(SYSTEM_TENANT, shared);
    const seenBy = async (tenant: string) => {
      const found = await find([own.id, shared.id], tenant);
      return found.map(({ process }) => process).sort();
    };

    assert.deepEqual(await seenBy('acme'), ['program', 'worker']);
    assert.deepEqual(await seenBy('other'), ['worker']);
    await assert.rejects(openIn('other', { ...newLease('forged'), tenant: 'acme' as TenantId }), /row-level security/);
  });

  it('say which processes serve a task queue now: not one that stopped, fell silent or serves another', async () => {
    const hosting = { taskQueue: 'theirs', handlers: [] };
    const held = new Map<string, LeaseId>();
    for (const process of ['serving', 'stopped', 'gone']) {
      const lease = { ...newLease(process), hosting };
      await leases((repository) => repository.open(lease));
      held.set(process, lease.id);
    }
    await leases((repository) =>
      repository.open({ ...newLease('elsewhere'), hosting: { ...hosting, taskQueue: 'b' } }),
    );
    await leases((repository) => repository.close(held.get('stopped') as LeaseId, 'stopped'));
    await agents.silence('gone', 60);

    const serving = await agents.database.single.inSystem('inspect', ({ em }) =>
      new HostingRepository(em).serving('theirs'),
    );

    assert.deepEqual(serving, ['serving']);
  });
});
