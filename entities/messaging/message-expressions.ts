import { type Expression, type ExpressionBuilder, expressionBuilder, type SqlBool } from 'kysely';
import type { LeaseId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import { literal, now } from '../common-expressions.ts';
import type { Tables } from '../tables.ts';

export type Message = { m: Tables['agent_messages'] };

const eb = expressionBuilder<Tables, never>();

/** The statuses of messages that wait or are handled, as literals: partial indexes hold these only. */
export const UNENDED = [literal('pending'), literal('leased')];
/** The types of messages that answer a request. */
export const ANSWERS = [literal('response'), literal('error')];

/** Whether a lease still stands. By the primary key. */
export function isLeaseOpen(id: Expression<LeaseId>): Expression<SqlBool> {
  return eb.exists(eb.selectFrom('agent_leases as l').where('l.id', '=', id).where('l.endedAt', 'is', null));
}

/** Nobody has the message `m`: it waits, or the process that had it has fallen silent. */
export function isFree(eb: ExpressionBuilder<Message, 'm'>) {
  const lapsed = eb.and([eb('m.status', '=', literal('leased')), eb('m.leasedUntil', '<', now())]);
  return eb.or([eb('m.status', '=', literal('pending')), lapsed]);
}

/** Whether the message `m` has not expired. */
export function isLive(eb: ExpressionBuilder<Message, 'm'>) {
  return eb.or([eb('m.expiresAt', 'is', null), eb('m.expiresAt', '>', now())]);
}

export function hasExpired(eb: ExpressionBuilder<Message, 'm'>) {
  return eb('m.expiresAt', '<=', now());
}

/** Ends the message `m`, which nobody is to take any more: it has expired, or this is the reason. */
export function asDead(eb: ExpressionBuilder<Message, 'm'>, reason: string) {
  return {
    status: 'dead' as const,
    leasedUntil: null,
    leaseOwner: null,
    deadAt: now(),
    fence: eb('m.fence', '+', 1),
    deadReason: eb.case().when(hasExpired(eb)).then('expired').else(reason).end(),
  };
}

/** What the configuration of an agent holds that takes messages. */
export const TAKES_MESSAGES = eb.cast<JsonObject>(literal('{"mailbox": true}'), 'jsonb');
