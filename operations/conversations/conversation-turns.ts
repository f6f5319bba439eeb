import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { LRUCache } from 'lru-cache';
import type { Database } from '../../database/transaction.ts';
import { historyOf, speakingAgent } from '../../domain/conversations/history.ts';
import { isFinalError } from '../../domain/errors.ts';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import {
  type ConversationKey,
  type ConversationRecord,
  ConversationRepository,
} from '../../entities/conversations/conversation-repository.ts';
import {
  ConversationTurnRepository,
  type TurnRecord,
  type WaitingTurn,
} from '../../entities/conversations/conversation-turn-repository.ts';
import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import type { WaitingJob } from '../../entities/tasks/waiting-job.ts';
import { GraphUnknown } from '../operation-errors.ts';
import { TaskPreparer } from '../tasks/prepare-task.ts';
import { jobOf, type PreparedTask, writeTasks } from '../tasks/write-tasks.ts';
import { settleTurn } from './settle-turn.ts';

/** So many turns are read for a history: some of them may have been rolled back. */
const TURNS_READ = 20;
/** Larger than any input of a turn can become. */
const MAX_TURN_BYTES = 10_000_000;
/** Tenants whose graphs' input schemas are kept compiled. */
const MAX_TENANTS = 200;

/**
 * Continues conversations: one turn at a time, in the order of their inputs. Everything is decided under the lock of the
 * conversation's row, in the caller's unit of work, so that any number of processes may do it, at once or again.
 */
export class ConversationTurns {
  readonly #preparers: LRUCache<TenantId, TaskPreparer>;

  constructor(database: Database) {
    this.#preparers = new LRUCache({
      max: MAX_TENANTS,
      memoMethod: (tenant) => new TaskPreparer(tenant, { database, maxInputBytes: MAX_TURN_BYTES }),
    });
  }

  /**
   * Writes the end of the turn whose task has ended, and begins the next one where none runs.
   * @param taskId the task that has just ended; null where nobody knows which
   * @returns the job of the turn that begins; null where none does
   */
  async advance(em: SqlEntityManager, key: ConversationKey, taskId: TaskId | null = null): Promise<WaitingJob | null> {
    const conversation = await new ConversationRepository(em).lock(key);
    if (conversation === null) return null;
    await settleTurn(em, key, taskId);
    const turns = new ConversationTurnRepository(em);
    for (;;) {
      const [next] = await turns.open(key, 1);
      if (next === undefined || next.state === 'running') return null;
      const prepared = await this.prepare(em, key, next).catch(asFailure);
      if ('task' in prepared) return this.begin(em, { ...key, number: next.number }, prepared);
      await turns.end(key, next.number, { state: 'failed', reply: null, route: null, error: prepared });
    }
  }

  /**
   * Makes the task of a turn, and writes nothing.
   * @throws GraphUnknown, InputInvalid for a graph that does not take what turns are given
   */
  async prepare(em: SqlEntityManager, key: ConversationKey, turn: WaitingTurn): Promise<PreparedTask> {
    const { tenantId: tenant, conversationId: conversation } = key;
    const { number, text, user, graphName, lineage } = turn;
    const graphs = new GraphRepository(em);
    const graph = await graphs.head(tenant, graphName);
    if (graph === null) throw new GraphUnknown(graphName, await graphs.listActive(tenant));
    const counted = { limit: TURNS_READ, before: number, rolledBack: false };
    const before = await new ConversationTurnRepository(em).last(key, counted);
    const { messages, actsFor: heard } = historyOf(before);
    const history = messages.map((message) => ({ ...message }));
    const options = { title: `turn ${number} of ${conversation}`, conversation, ...(user === null ? {} : { user }) };
    const input = { conversation, turn: number, text, user, agent: speakingAgent(turn), history };
    const { task, inputJson } = await this.#preparers.memo(tenant).ofGraph(graph)(input, options);
    const actsFor = [...new Set([...turn.actsFor, ...heard])];
    return { inputJson, task: { ...task, ...(actsFor.length > 0 && { actsFor }), ...(lineage && { lineage }) } };
  }

  /** Begins a turn with its task. @returns its job */
  async begin(em: SqlEntityManager, key: ConversationKey & Pick<TurnRecord, 'number'>, prepared: PreparedTask) {
    const [written] = await writeTasks(em, key.tenantId, [prepared]);
    if (written === undefined) throw new Error('A write of one task answered for none.');
    await new ConversationTurnRepository(em).begin(key, key.number, written.id);
    return jobOf(prepared, written);
  }
}

export function keyOf({ tenantId, id: conversationId }: Pick<ConversationRecord, 'tenantId' | 'id'>): ConversationKey {
  return { tenantId, conversationId };
}

/** Why a turn can never begin. */
function asFailure(error: unknown) {
  if (!isFinalError(error)) throw error;
  return { code: error.code, message: error.message };
}
