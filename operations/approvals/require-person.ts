import { type Caller, PermissionDenied } from '../caller.ts';

/**
 * What limits agents is not for agents to change, and what waits for a person is not for them to decide: neither by a
 * tool that they were granted, nor from a node.
 * @throws PermissionDenied
 */
export function requirePerson(
  caller: Caller,
  operation: string,
  permission: 'grants:admin' | 'approvals:decide' | 'budgets:admin' | 'models:admin',
): void {
  if (caller.kind === 'agent') throw new PermissionDenied(caller, operation, permission);
}
