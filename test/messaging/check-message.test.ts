import assert from 'node:assert/strict';
import type { AgentId, LeaseId, MessageId, TenantId } from '../../domain/ids.ts';
import { SYSTEM_TENANT } from '../../domain/ids.ts';
import type { Envelope } from '../../domain/messaging/envelope.ts';
import type { SenderLease, StoredMessage } from '../../entities/messaging/stored-message.ts';
import { checkMessage } from '../../messaging/check-message.ts';
import { createSigningKey } from '../../messaging/signatures.ts';

const uuid = (n: number) => `00000000-0000-4000-8000-${String(n).padStart(12, '0')}`;
const ANN = uuid(2) as AgentId;
const key = createSigningKey();

const ENVELOPE: Envelope = {
  id: uuid(1) as MessageId,
  tenant: 'acme' as TenantId,
  from: ANN,
  to: uuid(3) as AgentId,
  timestamp: '2026-11-22T10:00:00.000001Z',
  type: 'command',
  payload: { n: 1 },
  priority: 3,
  requiresResponse: false,
  correlationId: null,
  expiresAt: null,
  leaseId: uuid(4) as LeaseId,
  seq: 1,
  causeId: null,
  broadcastId: null,
  traceId: null,
};

const LEASE: SenderLease = {
  id: ENVELOPE.leaseId,
  tenant: ENVELOPE.tenant,
  agentIds: [ANN],
  publicKey: key.publicKey,
  grantedAt: '2026-11-22T09:00:00.000000Z',
  endedAt: null,
};

/** A row as the mailbox claims it. */
function stored(change: Partial<Envelope> = {}, lease: Partial<SenderLease> | null = {}): StoredMessage {
  return {
    raw: { ...key.sign({ ...ENVELOPE, ...change }) },
    id: ENVELOPE.id,
    tenant: ENVELOPE.tenant,
    toAgentId: ENVELOPE.to,
    status: 'leased',
    fromName: 'ann',
    attempts: 1,
    fence: 1,
    result: null,
    processedAt: null,
    lease: lease === null ? null : { ...LEASE, ...lease },
  };
}

const reasonOf = (message: StoredMessage) => {
  const checked = checkMessage(message);
  return checked.ok ? null : checked.reason;
};

describe('checking a message', () => {
  it('lets pass what its sender signed under its lease', () => {
    assert.equal(reasonOf(stored()), null);
  });

  it('lets an agent that all tenants share speak on behalf of any of them', () => {
    assert.equal(reasonOf(stored({}, { tenant: SYSTEM_TENANT })), null);
    assert.match(reasonOf(stored({}, { tenant: 'rival' as TenantId })) ?? '', /another tenant/);
  });

  it('lets a program without a name speak under any lease of its own', () => {
    assert.equal(reasonOf(stored({ from: null }, { agentIds: [] })), null);
    assert.match(reasonOf(stored({}, { agentIds: [] })) ?? '', /not its sender/);
  });

  it('counts the moment of the end as outside the lease, and the one before as inside', () => {
    assert.match(reasonOf(stored({}, { endedAt: ENVELOPE.timestamp })) ?? '', /had ended/);
    assert.equal(reasonOf(stored({}, { endedAt: '2026-11-22T10:00:00.000002Z' })), null);
  });

  it('refuses a key that is none', () => {
    assert.match(reasonOf(stored({}, { publicKey: 'nonsense' })) ?? '', /signature/);
  });

  it('refuses what was altered after it was signed, the tenant too', () => {
    const message = stored();
    const moved = { ...message, raw: { ...message.raw, tenant: 'rival' } };

    assert.match(reasonOf({ ...moved, lease: { ...LEASE, tenant: SYSTEM_TENANT } }) ?? '', /altered/);
  });
});
