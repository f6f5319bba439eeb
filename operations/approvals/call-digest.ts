import type { TaskId, TenantId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { digestOf } from '../digest-of.ts';

/** One exact call: whose, with what, under which policy, and where in its task. */
export interface ExactCall {
  readonly agent: string;
  readonly tool: string;
  readonly arguments: Json;
  readonly policyVersion: number;
  readonly tenant: TenantId;
  readonly task: TaskId;
  readonly path: RunPath;
  readonly step: number;
  readonly index: number;
}

/** What an approval is bound to: the SHA-256 of the call's canonical JSON (RFC 8785), in lower-case hexadecimal. */
export function callDigest(call: ExactCall): string {
  const { agent, tool, arguments: given, policyVersion, tenant, task, path, step, index } = call;
  return digestOf({ agent, tool, arguments: given, policyVersion, tenant, task, path, step, index });
}
