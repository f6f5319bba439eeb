/** A string that the compiler distinguishes from other strings. */
export type Branded<Name extends string> = string & { readonly __brand: Name };

export type TaskId = Branded<'TaskId'>;
export type TraceId = Branded<'TraceId'>;
export type GraphId = Branded<'GraphId'>;
export type AgentId = Branded<'AgentId'>;
export type ArtifactId = Branded<'ArtifactId'>;
export type LeaseId = Branded<'LeaseId'>;
export type MessageId = Branded<'MessageId'>;
export type TenantId = Branded<'TenantId'>;
export type GrantId = Branded<'GrantId'>;
export type ApprovalId = Branded<'ApprovalId'>;
export type WaitId = Branded<'WaitId'>;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const TASK_QUEUE = /^[A-Za-z0-9._-]{1,64}$/;
const TENANT = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/;

/** True for the canonical, lower-case text of a UUID: the form of every Muster row id. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** True for a tenant id: 1 to 64 letters, digits, dots, underscores or hyphens, beginning with a letter or digit. */
export function isTenantId(text: string): text is TenantId {
  return TENANT.test(text);
}

/** True for the name of a task queue: 1 to 64 letters, digits, dots, underscores or hyphens. */
export function isTaskQueue(text: string): boolean {
  return TASK_QUEUE.test(text);
}

/** The tenant of callers that name none. */
export const DEFAULT_TENANT = 'default' as TenantId;
/** The tenant that owns the agents and graphs which every tenant may use. */
export const SYSTEM_TENANT = 'system' as TenantId;
