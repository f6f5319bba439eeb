import { MusterError } from '../domain/errors.ts';
import type { TaskId, TenantId } from '../domain/ids.ts';

/** What a caller may be allowed to do, each permission with what it allows. */
export const PERMISSIONS = {
  'tasks:read': 'Read tasks, their traces, events and outputs.',
  'tasks:write':
    'Submit, cancel, kill, pause, resume and redrive tasks; send them messages, answer what they ask, publish events.',
  'queue:read': 'See what waits, what runs and what delays it.',
  'queue:admin': 'Pause bands, tenants and graphs; set concurrency limits and weights of the installation.',
  'limits:use': 'Take from rate limits, reserve and settle.',
  'limits:read': 'See the rate limits and tiers of the installation.',
  'limits:admin': 'Set rate limits and tiers of the installation.',
  'budgets:read': 'See budgets and what is spent of them.',
  'budgets:admin': 'Set budgets, and give more to them.',
  'graphs:read': 'List and read published graphs.',
  'graphs:publish': 'Publish graphs of the tenant.',
  'agents:read': 'List agents and whether they are alive.',
  'messages:read': 'Read messages and receipts.',
  'messages:send': 'Send messages and requests to agents.',
  'messages:admin': 'Redrive dead messages.',
  'retention:read': 'See the retention policies and what they would remove.',
  'retention:admin': 'Remove what the retention policies release.',
  'grants:read': 'See which tools agents may use, and what the tenant rules about tools.',
  'grants:admin': 'Grant tools to agents, revoke grants, set what the tenant rules about tools.',
  'approvals:read': 'See the calls that wait for a person, with their arguments.',
  'approvals:decide': 'Approve and reject calls that wait for a person.',
  'conversations:read': 'Read conversations: what was said in them, and how it was answered.',
  'conversations:write': 'Say something in conversations.',
  'canaries:read': 'See how canaries do.',
  'canaries:use': 'Ask whether a canary is to be tried, and note what came of it.',
  'evals:read': 'Read evaluations: their cases and scores.',
  'evals:write': 'Record scores of evaluations.',
  'models:read': 'See which keys for providers of models are stored.',
  'models:admin': 'Set and remove keys for providers of models.',
  'system:read': 'See the state of the installation.',
} as const;

export type Permission = keyof typeof PERMISSIONS;

export const ALL_PERMISSIONS: ReadonlySet<Permission> = new Set(Object.keys(PERMISSIONS) as Permission[]);

/**
 * The caller. A `service` is a program with the database's address; a `user` is a person on whose behalf a program or a
 * gateway calls; an `agent` calls from a node of a task, or from a program of its own.
 */
export interface Caller {
  readonly kind: 'service' | 'user' | 'agent';
  readonly name: string;
  /** Whose rows it sees and writes. */
  readonly tenant: TenantId;
  readonly permissions: ReadonlySet<Permission>;
  /** The task from a node of which it calls: what it submits is spawned by that task. */
  readonly task?: TaskId;
  /** The thinking agent whose tool it is: what it submits acts on behalf of that agent. */
  readonly agent?: string;
}

/** A program that is trusted with everything of its tenant. */
export function serviceCaller(tenant: TenantId, name = 'client'): Caller {
  return { kind: 'service', name, tenant, permissions: ALL_PERMISSIONS };
}

/** The same program on behalf of a user: with the same rights, in the user's name. */
export function onBehalfOf({ tenant, permissions }: Caller, user: string): Caller {
  return { kind: 'user', name: user, tenant, permissions };
}

/** The user on whose behalf the caller acts; undefined where there is none. */
export function userOf({ kind, name }: Caller): string | undefined {
  return kind === 'user' ? name : undefined;
}

/** What the audit log calls the caller. */
export function actorOf({ kind, name }: Caller): string {
  return kind === 'agent' ? `agent:${name}` : name;
}

/** The caller may not do this. Nothing was done. */
export class PermissionDenied extends MusterError {
  readonly code = 'permission_denied';
  /** @param permission which it lacks; null where no agent may, whatever it is permitted */
  constructor({ kind, name }: Caller, operation: string, permission: Permission | null) {
    const why = permission === null ? 'only people may' : `it lacks the permission ${permission}`;
    super(`The ${kind} "${name}" may not call ${operation}: ${why}.`, { caller: name, operation, permission });
  }
}
