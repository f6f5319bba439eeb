import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { ExpressionBuilder } from 'kysely';
import type { LeaseId, MessageId } from '../../domain/ids.ts';
import type { Json } from '../../domain/json.ts';
import type { SignedEnvelope } from '../../domain/messaging/envelope.ts';
import type { MessageStatus } from '../../domain/messaging/message-status.ts';
import { literal, now } from '../common-expressions.ts';
import { givenRows, givenValue } from '../statements/given-values.ts';
import { named } from '../statements/named-parts.ts';
import { Statement } from '../statements/statement.ts';
import { inMs } from '../statements/time-expressions.ts';
import { givenAnswers, insertAnswers } from './envelope-rows.ts';
import { isLeaseOpen, type Message } from './message-expressions.ts';

/** A claimed message: its fence has to be given with everything that is done to it. */
export interface ClaimRef {
  readonly id: MessageId;
  readonly fence: number;
}

/** One message that was handled. */
export interface Completion extends ClaimRef {
  readonly result: Json;
  /** The answer, written in the same statement; null where nobody asked. */
  readonly response: SignedEnvelope | null;
}

/** How a delivery that failed ends. */
export interface FailedDelivery extends ClaimRef {
  /** Until it is delivered again; null for dead. */
  readonly delayMs: number | null;
  readonly reason: string;
  readonly response: SignedEnvelope | null;
}

type GivenEnd = ClaimRef & { readonly result: Json };
type GivenFailure = ClaimRef & { readonly delayMs: number | null; readonly reason: string };

const CLAIM_FIELDS = { id: 'uuid', fence: 'bigint' } as const;

/** A claim that is given up, whichever way. */
const UNLEASED = { leasedUntil: null, leaseOwner: null };

/** Whether a message is still claimed as the statement's table `given` says. */
const isOwn = (eb: ExpressionBuilder<Message & { g: ClaimRef }, 'm' | 'g'>) =>
  eb.and([
    eb('m.id', '=', eb.ref('g.id')),
    eb('m.fence', '=', eb.ref('g.fence')),
    eb('m.status', '=', literal('leased')),
  ]);

const COMPLETED = {
  completions: givenRows<GivenEnd>({ ...CLAIM_FIELDS, result: 'jsonb' }),
  answers: givenAnswers(),
  lease: givenValue<LeaseId>('uuid'),
};

const COMPLETE = new Statement(COMPLETED, ({ completions, answers, lease }) =>
  named
    .with('given', () => completions)
    .with('ended', (q) =>
      q
        .updateTable('agent_messages as m')
        .from('given as g')
        .set((eb) => ({
          ...UNLEASED,
          status: 'processed',
          processedAt: eb.fn<Date>('clock_timestamp'),
          result: eb.ref('g.result'),
        }))
        .where(isOwn)
        .where(isLeaseOpen(lease))
        .returning('m.id'),
    )
    .with('answers', () => answers)
    .with('answered', insertAnswers)
    .main.selectFrom('ended')
    .select('id'),
);

const FAILED = {
  failures: givenRows<GivenFailure>({ ...CLAIM_FIELDS, delayMs: 'float8', reason: 'text' }),
  answers: givenAnswers(),
};

const FAIL = new Statement(FAILED, ({ failures, answers }) =>
  named
    .with('given', () => failures)
    .with('ended', (q) =>
      q
        .updateTable('agent_messages as m')
        .from('given as g')
        .set((eb) => {
          const isDead = eb('g.delayMs', 'is', null);
          return {
            ...UNLEASED,
            status: eb.case().when(isDead).then<MessageStatus>('dead').else<MessageStatus>('pending').end(),
            deadReason: eb.case().when(isDead).then(eb.ref('g.reason')).end(),
            deadAt: eb.case().when(isDead).then(now()).end(),
            availableAt: eb.fn.coalesce(inMs(eb.ref('g.delayMs')), 'm.availableAt'),
          };
        })
        .where(isOwn)
        .returning('m.id'),
    )
    .with('answers', () => answers)
    .with('answered', insertAnswers)
    .main.selectFrom('ended')
    .select('id'),
);

const CLAIMS = givenRows<ClaimRef>(CLAIM_FIELDS);

const RELEASE = new Statement({ claims: CLAIMS }, ({ claims }) =>
  named
    .with('given', () => claims)
    .main.updateTable('agent_messages as m')
    .from('given as g')
    .set((eb) => ({ ...UNLEASED, status: 'pending', attempts: eb('m.attempts', '-', 1) }))
    .where(isOwn),
);

const EXTEND = new Statement({ claims: CLAIMS, leaseMs: givenValue<number>('float8') }, ({ claims, leaseMs }) =>
  named
    .with('given', () => claims)
    .main.updateTable('agent_messages as m')
    .from('given as g')
    .set({ leasedUntil: inMs(leaseMs) })
    .where(isOwn)
    .returning('m.id'),
);

/**
 * Marks messages as processed and writes their answers. Refused, as a whole, once the lease of the process has ended.
 * Messages are found by agent_messages_id_unique, here and below.
 * @returns the ids that were still the caller's; the others were given to another process meanwhile
 */
export async function completeDeliveries(
  em: SqlEntityManager,
  lease: LeaseId,
  completions: readonly Completion[],
): Promise<Set<string>> {
  const answers = completions.flatMap(({ response }) => response ?? []);
  const ends = completions.map(({ id, fence, result }) => ({ id, fence, result }));
  return idsOf(await COMPLETE.run(em, { lease, completions: ends, answers }));
}

/** Puts a message back for later, or buries it with its reason. @returns false when it is no longer the caller's */
export async function failDelivery(em: SqlEntityManager, failed: FailedDelivery): Promise<boolean> {
  const { id, fence, delayMs, reason, response } = failed;
  const failures = [{ id, fence, delayMs, reason }];
  const ended = await FAIL.run(em, { failures, answers: response === null ? [] : [response] });
  return ended.length === 1;
}

/** Gives claimed messages back as if they had not been taken. */
export async function releaseClaims(em: SqlEntityManager, claims: readonly ClaimRef[]): Promise<void> {
  await RELEASE.change(em, { claims });
}

/** Prolongs claims. @returns the ids that were still the caller's */
export async function extendClaims(
  em: SqlEntityManager,
  claims: readonly ClaimRef[],
  leaseMs: number,
): Promise<Set<string>> {
  return idsOf(await EXTEND.run(em, { claims, leaseMs }));
}

function idsOf(rows: readonly { readonly id: string }[]): Set<string> {
  return new Set(rows.map(({ id }) => id));
}
