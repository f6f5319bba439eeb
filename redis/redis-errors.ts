import { ReplyError } from 'ioredis';
import { errorMessage, MusterError } from '../domain/errors.ts';

/**
 * Redis did not carry out a command, as far as is known: a missing answer does not say whether it did. Any refusal
 * counts too, even an unforeseen one. Nothing is lost, because PostgreSQL has everything that Redis has.
 */
export class RedisUnreachable extends MusterError {
  readonly code = 'service_unreachable';
  override readonly retryable = true;
  /** The first word of a refusal, or `unanswered`. */
  readonly kind: string;

  constructor(facts: { address: string; timeoutMs: number; reason: string }, cause: unknown) {
    super(isRefusal(cause) ? refused(facts) : unanswered(facts), { service: 'redis', ...facts }, { cause });
    this.kind = isRefusal(cause) ? (facts.reason.split(' ', 1)[0] ?? '') : 'unanswered';
  }
}

function unanswered({ address, timeoutMs, reason }: { address: string; timeoutMs: number; reason: string }): string {
  return (
    `Expected an answer from Redis at ${address} within ${timeoutMs} ms, but got none: ${reason}. ` +
    'Check that it runs, can be reached and has memory left; `muster status` shows how it is.'
  );
}

function refused({ address, reason }: { address: string; reason: string }): string {
  const advice =
    ADVICE.find(([kinds]) => kinds.test(reason))?.[1] ?? 'Check the server; `muster status` shows how it is.';
  return `Redis at ${address} refused what it was asked: ${reason.replace(/\.$/, '')}. ${advice}`;
}

/** What to do, by the first word of the refusal. */
const ADVICE: readonly [kinds: RegExp, advice: string][] = [
  [/^(NOAUTH|WRONGPASS|NOPERM)\b/, 'Check the user and the password in MUSTER_REDIS_URL, and what that user may do.'],
  [/^(OOM|MISCONF)\b/, 'Give it more memory or disk.'],
  [/^(READONLY|MASTERDOWN|NOREPLICAS)\b/, 'Check that MUSTER_REDIS_URL names the primary server.'],
  [/^(LOADING|BUSY|TRYAGAIN)\b/, 'It should recover by itself.'],
  [/^(MOVED|ASK|CLUSTERDOWN|CROSSSLOT)\b/, 'Check that all nodes of the cluster run and can be reached from here.'],
  [/^WRONGTYPE\b/, 'Let no other program write keys that begin with MUSTER_REDIS_PREFIX.'],
];

/** Whether Redis refused; with this kind of refusal if one is given. */
export function isRefusal(error: unknown, kind = ''): boolean {
  return error instanceof ReplyError && errorMessage(error).startsWith(kind);
}
