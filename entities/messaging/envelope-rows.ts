import type { ExpressionBuilder, QueryCreator } from 'kysely';
import type { MessageId } from '../../domain/ids.ts';
import type { SignedEnvelope } from '../../domain/messaging/envelope.ts';
import { type ColumnType, givenRows } from '../statements/given-values.ts';
import type { Tables } from '../tables.ts';

type MessageColumn = keyof Tables['agent_messages'];

/** The types in which the fields of envelopes come to the database. */
export const ENVELOPE_FIELDS: Readonly<Record<keyof SignedEnvelope, ColumnType>> = {
  ...{ timestamp: 'timestamptz', id: 'uuid', tenant: 'text', from: 'uuid', to: 'uuid', type: 'text', payload: 'jsonb' },
  ...{ priority: 'int', requiresResponse: 'boolean', correlationId: 'uuid', expiresAt: 'timestamptz', leaseId: 'uuid' },
  ...{ seq: 'bigint', signature: 'text', causeId: 'uuid', broadcastId: 'uuid', traceId: 'uuid' },
};

/** The columns that envelopes fill. */
const FILLED = {
  ...{ timestamp: 'timestamp', id: 'id', tenant: 'tenantId', from: 'fromAgentId', to: 'toAgentId' },
  ...{ type: 'messageType', payload: 'payload', priority: 'priority', requiresResponse: 'requiresResponse' },
  ...{ correlationId: 'correlationId', expiresAt: 'expiresAt', leaseId: 'leaseId', seq: 'seq' },
  ...{ signature: 'signature', causeId: 'causeId', broadcastId: 'broadcastId', traceId: 'traceId' },
} as const satisfies Record<keyof SignedEnvelope, MessageColumn>;

const FIELDS = Object.keys(FILLED) as (keyof SignedEnvelope)[];
export const ENVELOPE_COLUMNS: readonly MessageColumn[] = FIELDS.map((field) => FILLED[field]);

/** The columns' values, of a statement's table `e` of envelopes. */
export function envelopeValues(eb: ExpressionBuilder<{ e: SignedEnvelope }, 'e'>) {
  return FIELDS.map((field) => eb.ref(`e.${field}`).as(FILLED[field]));
}

/** Answers to messages. */
export const givenAnswers = () => givenRows<SignedEnvelope>(ENVELOPE_FIELDS);

/** Writes the `answers` to those messages that are in the statement's table `ended`. */
export function insertAnswers(q: QueryCreator<Tables & { answers: SignedEnvelope; ended: { id: MessageId } }>) {
  return q
    .insertInto('agent_messages')
    .columns(ENVELOPE_COLUMNS)
    .expression((eb) =>
      eb
        .selectFrom('answers as e')
        .select(envelopeValues)
        .where('e.causeId', 'in', eb.selectFrom('ended').select('ended.id')),
    )
    .onConflict((conflict) => conflict.column('id').doNothing());
}
