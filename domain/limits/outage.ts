/** The classes of limited calls during an outage of the limiter's store. */
export const LIMIT_CLASSES = [
  ...(['chat', 'read', 'job', 'auth', 'economy', 'sensitive', 'key_write'] as const),
  ...(['provider', 'model', 'money', 'other'] as const),
] as const;
export type LimitClass = (typeof LIMIT_CLASSES)[number];

/**
 * What happens to a limited call while the store is unavailable. `open`: it is allowed. `closed`: it is refused.
 * `local_share`: each process allows its part, the limit divided by the number of live processes.
 */
export type OutageBehaviour = 'open' | 'closed' | 'local_share';

/**
 * The whole outage matrix: what each class of calls does while Redis does not answer.
 *
 * Open if a refusal would hurt more than a burst; closed if a burst is an attack; a share if the limit protects an
 * outside service that must neither be overrun nor stopped.
 */
export const OUTAGE_MATRIX: Readonly<Record<LimitClass, OutageBehaviour>> = {
  chat: 'open',
  read: 'open',
  // An accepted task is in PostgreSQL and continues without Redis.
  job: 'open',
  auth: 'closed',
  economy: 'closed',
  sensitive: 'closed',
  key_write: 'closed',
  provider: 'local_share',
  model: 'local_share',
  money: 'local_share',
  other: 'local_share',
};

/** The classes of the endpoints that ship; an endpoint that is not named here is `other`. */
const CLASS_OF_ENDPOINT: Readonly<Record<string, LimitClass>> = {
  reply: 'chat',
  wake_word: 'chat',
  wake_word_channel: 'chat',
  assistant: 'chat',
  websocket: 'chat',
  fun: 'chat',
  core: 'chat',
  community: 'chat',
  music: 'chat',
  memory_search: 'read',
  api: 'read',
  auth: 'auth',
  economy: 'economy',
  mod: 'sensitive',
  admin: 'sensitive',
  sensitive: 'sensitive',
  backup: 'key_write',
};

/** The class of a call that names none: that of its endpoint, provider or model. */
export function classOf(call: {
  readonly class?: LimitClass | undefined;
  readonly endpoint?: string | undefined;
  readonly provider?: string | undefined;
  readonly model?: string | undefined;
}): LimitClass {
  if (call.class !== undefined) return call.class;
  const known = call.endpoint === undefined ? undefined : CLASS_OF_ENDPOINT[call.endpoint];
  if (known !== undefined) return known;
  if (call.provider !== undefined) return 'provider';
  return call.model === undefined ? 'other' : 'model';
}
