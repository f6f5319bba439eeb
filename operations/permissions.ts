/** What a caller may be allowed, each with what it opens. */
export const PERMISSIONS = {
  'tasks:read': 'Read tasks, their traces, events and outputs.',
  'tasks:write': 'Submit, cancel, kill, pause, resume and redrive tasks.',
  'queue:read': 'See what waits, what runs and what holds it up.',
  'queue:admin': 'Pause bands, tenants and graphs; set concurrency limits and weights of the installation.',
  'limits:use': 'Take from rate limits, reserve and settle.',
  'limits:read': 'See the rate limits and tiers of the installation.',
  'limits:admin': 'Set rate limits and tiers of the installation.',
  'graphs:read': 'List and read published graphs.',
  'graphs:publish': 'Publish graphs of the tenant.',
  'agents:read': 'List agents and whether they are alive.',
  'messages:read': 'Read messages and receipts.',
  'messages:send': 'Send messages and requests to agents.',
  'messages:admin': 'Redrive dead messages.',
  'retention:read': 'See the retention policies and what they would remove.',
  'retention:admin': 'Remove what the retention policies let go.',
  'system:read': 'See how the installation is.',
} as const;

export type Permission = keyof typeof PERMISSIONS;

export const ALL_PERMISSIONS: ReadonlySet<Permission> = new Set(Object.keys(PERMISSIONS) as Permission[]);
