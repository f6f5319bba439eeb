import { sql } from 'kysely';
import type { AgentId } from '../../domain/ids.ts';
import { isJsonObject, toJson } from '../../domain/json.ts';
import { MAX_DELIVERIES } from '../../domain/messaging/message-status.ts';
import { auditRowsFrom } from '../audit/audit-rows.ts';
import { anyOf, momentText, now } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { namedIn } from '../statements/named-parts.ts';
import { tables } from '../tables.ts';
import { ANSWERS, asDead, hasExpired, isFree, TAKES_MESSAGES, UNENDED } from './message-expressions.ts';
import { readStored, type StoredMessage, storedMessages } from './stored-message.ts';

const BURIED_AT_ONCE = 500;
/** Why a message is dead whose last allowed delivery ended with its process. */
const LOST = 'lost: each of its deliveries ended without a word; its process died or fell silent';

/**
 * Mailboxes as those see them who handle messages. Needs the unit of work of the tenant whose agents they are, or a
 * system one. Each method is one statement; what is done to a claimed message is guarded by the fence of its claim.
 */
export class MailboxRepository extends Repository {
  /**
   * Buries what nobody may deliver any more: messages whose time has passed, and those whose last allowed delivery
   * ended with the death of its process; with them answers to programs that nobody fetched. Answer the requests among
   * them in the same unit of work.
   */
  async expire(agentIds: readonly AgentId[], limit: number = BURIED_AT_ONCE): Promise<StoredMessage[]> {
    const rows = await namedIn(this.em)
      .with('over', (q) =>
        q
          .selectFrom('agent_messages as m')
          .select(['m.timestamp', 'm.id'])
          .where((eb) => eb.or([eb('m.toAgentId', '=', anyOf(agentIds)), eb('m.toAgentId', 'is', null)]))
          .where('m.status', 'in', UNENDED)
          .where(isFree)
          .where((eb) => eb.or([hasExpired(eb), eb('m.attempts', '>=', sql.lit(MAX_DELIVERIES))]))
          .orderBy('m.id')
          .limit(limit)
          .forUpdate('m')
          .skipLocked(),
      )
      .with('m', (q) =>
        q
          .updateTable('agent_messages as m')
          .from('over as o')
          .set((eb) => asDead(eb, LOST))
          .whereRef('o.timestamp', '=', 'm.timestamp')
          .whereRef('o.id', '=', 'm.id')
          .returningAll('m'),
      )
      .reading(storedMessages)
      .execute();
    return rows.map(readStored);
  }

  /**
   * Buries a message that must not be handled, and writes it into the audit log; once, however often it is asked for.
   * @param message with the fence of its claim, or as it was read
   */
  async refuse({ raw, id, fence, tenant }: StoredMessage, reason: string): Promise<boolean> {
    const told = toJson({ from: raw.from, to: raw.to, lease: raw.leaseId, seq: raw.seq, type: raw.type });
    const details = { reason, ...(told.ok && isJsonObject(told.value) ? told.value : {}) };
    const audit = { tenant, actor: `agent:${raw.from ?? 'none'}`, action: 'message.refused', details };
    const refused = await tables(this.em)
      .with('refused', (q) =>
        q
          .updateTable('agent_messages')
          .set({ status: 'dead', leasedUntil: null, leaseOwner: null, deadAt: now(), deadReason: `refused: ${reason}` })
          .where('id', '=', id)
          .where('fence', '=', fence)
          .where('status', '<>', 'dead')
          .returning('id'),
      )
      .with('audited', () => auditRowsFrom('refused', { ...audit, subjectType: 'message' }))
      .selectFrom('refused')
      .select('id')
      .execute();
    return refused.length === 1;
  }

  /** Says that these agents take messages, so that broadcasts reach them. Writes nothing where it is known. */
  async openMailboxes(agentIds: readonly AgentId[]): Promise<void> {
    await tables(this.em)
      .updateTable('agents')
      .set((eb) => ({ config: eb('config', '||', TAKES_MESSAGES) }))
      .where('id', '=', anyOf(agentIds))
      .where((eb) => eb.not(eb('config', '@>', TAKES_MESSAGES)))
      .execute();
  }

  /** How many messages wait for an agent, and since when the first one does. */
  async depth(agentId: AgentId): Promise<{ waiting: number; oldest: string | null }> {
    const { waiting, oldest } = await tables(this.em)
      .selectFrom('agent_messages as m')
      .select((eb) => [eb.fn.countAll().as('waiting'), momentText(eb.fn.min<Date | null>('m.timestamp')).as('oldest')])
      .where('m.toAgentId', '=', agentId)
      .where('m.status', 'in', UNENDED)
      .where('m.messageType', 'not in', ANSWERS)
      .executeTakeFirstOrThrow();
    return { waiting: Number(waiting), oldest };
  }
}
