import assert from 'node:assert/strict';
import { type AgentLeaseRecord, leaseCovers } from '../../../domain/agents/lease.ts';
import type { AgentId, LeaseId, TenantId } from '../../../domain/ids.ts';

const WRITER = 'writer' as AgentId;
const at = (second: number) => new Date(Date.UTC(2026, 0, 1, 0, 0, second));

const lease: AgentLeaseRecord = {
  id: 'lease' as LeaseId,
  tenant: 'acme' as TenantId,
  process: 'host-1',
  agentIds: [WRITER],
  publicKey: 'key',
  fence: 7,
  grantedAt: at(10),
  renewedAt: at(20),
  endedAt: at(30),
  endReason: 'silent',
};

describe('a lease', () => {
  it('covers its agents from its grant until its end', () => {
    assert.deepEqual(
      [9, 10, 29, 30].map((second) => leaseCovers(lease, WRITER, at(second))),
      [false, true, true, false],
    );
  });

  it('covers nobody else', () => {
    assert.equal(leaseCovers(lease, 'critic' as AgentId, at(20)), false);
  });

  it('covers without an end while it has none', () => {
    assert.equal(leaseCovers({ ...lease, endedAt: null, endReason: null }, WRITER, at(59)), true);
  });
});
