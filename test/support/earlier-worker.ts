/** Statements that let a worker of an earlier version live, and end: all that others see of it is its lease. */
export const EARLIER_WORKER = {
  opens: `
    insert into muster.tenants (id) values ('system') on conflict do nothing;
    insert into muster.agent_leases (id, tenant_id, process, public_key, fence, task_queue, renewed_at)
    values (gen_random_uuid(), 'system', 'earlier', '', 1, 'another', now() + interval '1 hour')`,
  ends: `update muster.agent_leases set ended_at = now(), end_reason = 'stopped' where process = 'earlier'`,
} as const;
