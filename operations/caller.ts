import { MusterError } from '../domain/errors.ts';
import type { TenantId } from '../domain/ids.ts';
import { ALL_PERMISSIONS, type Permission } from './permissions.ts';

/**
 * Who calls. A `service` is a program with the database's address; a `user` is a person on whose behalf a program or a
 * gateway calls; an `agent` calls from a node of a task.
 */
export interface Caller {
  readonly kind: 'service' | 'user' | 'agent';
  readonly name: string;
  /** Whose rows it sees and writes. */
  readonly tenant: TenantId;
  readonly permissions: ReadonlySet<Permission>;
}

/** A program that is trusted with everything of its tenant. */
export function serviceCaller(tenant: TenantId, name = 'client'): Caller {
  return { kind: 'service', name, tenant, permissions: ALL_PERMISSIONS };
}

/** The same program on behalf of a user: with the same rights, in the user's name. */
export function onBehalfOf({ tenant, permissions }: Caller, user: string): Caller {
  return { kind: 'user', name: user, tenant, permissions };
}

/** The user on whose behalf is called; undefined for nobody's. */
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
  readonly retryable = false;
  constructor({ kind, name }: Caller, operation: string, permission: Permission) {
    super(`The ${kind} "${name}" may not call ${operation}: it lacks the permission ${permission}.`, {
      caller: name,
      operation,
      permission,
    });
  }
}
