import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Lineage } from '../../domain/budgets/scopes.ts';
import type { TurnEnd } from '../../domain/conversations/turn-end.ts';
import { type CancelledTurnState, OPEN_TURN_STATES } from '../../domain/conversations/turn-state.ts';
import type { ArtifactId, TaskId } from '../../domain/ids.ts';
import type { Failure } from '../../domain/tasks/execution.ts';
import { isTerminalTaskStatus, type TaskStatus, type TerminalTaskStatus } from '../../domain/tasks/task-status.ts';
import { anyOf, literal, now } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';
import { readFailure } from '../tasks/task-record.ts';
import type { StoredValue } from '../traces/artifact-repository.ts';
import type { ConversationKey } from './conversation-repository.ts';
import type { ConversationTurn } from './conversation-turn.ts';

/** A turn as it is shown. */
export type TurnRecord = Pick<ConversationTurn, 'number' | 'state' | 'text' | 'graphName' | 'createdAt'> & {
  readonly user: string | null;
  /** The agents on whose behalf its input was appended, the one whose tool did it last; empty for most. */
  readonly actsFor: readonly string[];
  readonly taskId: TaskId | null;
  readonly reply: string | null;
  /** Which route of its graph answered; null where none is known. */
  readonly route: string | null;
  readonly error: Failure | null;
  readonly startedAt: Date | null;
  readonly endedAt: Date | null;
};

/** An input that is to have a turn. */
export type WaitingTurn = Pick<TurnRecord, 'number' | 'text' | 'graphName' | 'user' | 'actsFor'> & {
  /** What its task has above it; null where no task appended its input. */
  readonly lineage: Lineage | null;
};

/** A turn whose task has ended, and how. */
export interface EndedTurn {
  readonly number: number;
  readonly taskId: TaskId | null;
  readonly endsAs: CancelledTurnState | null;
  readonly status: TerminalTaskStatus;
  readonly failure: Failure | null;
  readonly output: StoredValue;
}

const SHOWN = [
  ...([
    'number',
    'state',
    'text',
    'graphName',
    'userId',
    'actsFor',
    'taskId',
    'reply',
    'route',
    'error',
    'createdAt',
    'startedAt',
    'endedAt',
  ] as const),
];
const OPEN = OPEN_TURN_STATES.map(literal);

/**
 * The turns of conversations. What changes one needs the lock of its conversation. Every method is one statement, in units
 * of work of the tenant and of the system.
 */
export class ConversationTurnRepository extends Repository {
  async insert(
    key: ConversationKey,
    { user, actsFor, ...turn }: WaitingTurn & { readonly key: string | null },
  ): Promise<void> {
    await tables(this.em)
      .insertInto('conversation_turns')
      .values({ ...key, ...turn, userId: user, actsFor: actsFor.length === 0 ? null : [...actsFor] })
      .execute();
  }

  /** The turn of an input that was appended under this key. */
  async ofKey(key: ConversationKey, inputKey: string): Promise<TurnRecord | null> {
    return recordOf(await shown(this.em, key).where('key', '=', inputKey).executeTakeFirst());
  }

  async find(key: ConversationKey, number: number): Promise<TurnRecord | null> {
    return recordOf(await shown(this.em, key).where('number', '=', number).executeTakeFirst());
  }

  /** The last `limit` turns, oldest first; those before a turn, where one is named. */
  async last(
    key: ConversationKey,
    { limit, before, rolledBack }: { readonly limit: number; readonly before?: number; readonly rolledBack: boolean },
  ): Promise<TurnRecord[]> {
    const turns = await shown(this.em, key)
      .$if(before !== undefined, (query) => query.where('number', '<', before ?? 0))
      .$if(!rolledBack, (query) => query.where('state', '<>', literal('rolled_back')))
      .orderBy('number', 'desc')
      .limit(limit)
      .execute();
    return turns.reverse().map(readTurn);
  }

  /** The turns that have not ended, in their order: the one that runs first. By conversation_turns_open_index. */
  async open(key: ConversationKey, limit: number): Promise<(TurnRecord & WaitingTurn)[]> {
    const open = shown(this.em, key).select('lineage').where('state', 'in', OPEN);
    const turns = await open.orderBy('number').limit(limit).execute();
    return turns.map((turn) => ({ ...readTurn(turn), lineage: turn.lineage }));
  }

  /** How many turns are to end before this one begins. */
  async ahead(key: ConversationKey, number: number): Promise<number> {
    const { count } = await turnsOf(this.em, key)
      .select(({ fn, cast }) => cast<number>(fn.countAll(), 'integer').as('count'))
      .where('state', 'in', OPEN)
      .where('number', '<', number)
      .executeTakeFirstOrThrow();
    return count;
  }

  async begin(key: ConversationKey, number: number, taskId: TaskId): Promise<void> {
    await changed(this.em, key, number)
      .set({ state: 'running', taskId, startedAt: now() })
      .where('state', '=', literal('queued'))
      .execute();
  }

  /** Writes down how a running turn is to end. That it is rolled back outweighs that it is interrupted. */
  async askToEnd(key: ConversationKey, number: number, endsAs: CancelledTurnState): Promise<void> {
    await changed(this.em, key, number)
      .set({ endsAs })
      .where('state', '=', literal('running'))
      .where((eb) => eb.or([eb('endsAs', 'is', null), eb('endsAs', '=', literal('interrupted'))]))
      .execute();
  }

  async end(key: ConversationKey, number: number, { state, reply, route, error }: TurnEnd): Promise<void> {
    await changed(this.em, key, number)
      .set({ state, reply, route, error: error === null ? null : { ...error }, endedAt: now() })
      .execute();
  }

  /**
   * The turn that runs although its task has ended or is not there any more; or the one of this task that had failed, and
   * whose task was redriven and has completed since.
   */
  async ended(key: ConversationKey, taskId: TaskId | null): Promise<EndedTurn[]> {
    const rows = await tables(this.em)
      .selectFrom('conversation_turns as c')
      .leftJoin('tasks as t', 't.id', 'c.taskId')
      .select(['c.number', 'c.taskId', 'c.endsAs', 't.status', 't.error', 't.output', 't.outputArtifactId'])
      .where('c.tenantId', '=', key.tenantId)
      .where('c.conversationId', '=', key.conversationId)
      .where((eb) => {
        const isOver = eb.or([eb('t.completedAt', 'is not', null), eb('t.id', 'is', null)]);
        const isMended = eb.and([eb('c.taskId', '=', taskId), eb('t.status', '=', literal('completed'))]);
        return eb.or([
          eb.and([eb('c.state', '=', literal('running')), isOver]),
          eb.and([eb('c.state', '=', literal('failed')), isMended]),
        ]);
      })
      .execute();
    return rows.map(endedTurn);
  }

  /** The conversations of turns with these tasks. By conversation_turns_task_unique. */
  ofTasks(ids: readonly TaskId[]): Promise<(ConversationKey & { readonly taskId: TaskId | null })[]> {
    return tables(this.em)
      .selectFrom('conversation_turns')
      .select(['tenantId', 'conversationId', 'taskId'])
      .where('taskId', '=', anyOf(ids))
      .orderBy('tenantId')
      .orderBy('conversationId')
      .execute();
  }

  /**
   * Conversations that stand still, the oldest first: their turn's task has ended, or is not there any more, or they have
   * inputs and no turn.
   * Needs a system unit of work.
   */
  stalled(limit: number): Promise<ConversationKey[]> {
    return tables(this.em)
      .selectFrom('conversation_turns as c')
      .leftJoin('tasks as t', 't.id', 'c.taskId')
      .select(['c.tenantId', 'c.conversationId'])
      .groupBy(['c.tenantId', 'c.conversationId'])
      .where('c.state', 'in', OPEN)
      .where((eb) =>
        eb.or([
          eb.and([
            eb('c.state', '=', literal('running')),
            eb.or([eb('t.completedAt', 'is not', null), eb('t.id', 'is', null)]),
          ]),
          eb.and([
            eb('c.state', '=', literal('queued')),
            eb.not(
              eb.exists(
                eb
                  .selectFrom('conversation_turns as r')
                  .select('r.number')
                  .whereRef('r.tenantId', '=', 'c.tenantId')
                  .whereRef('r.conversationId', '=', 'c.conversationId')
                  .where('r.state', '=', literal('running')),
              ),
            ),
          ]),
        ]),
      )
      .orderBy(({ fn }) => fn.min('c.createdAt'))
      .limit(limit)
      .execute();
  }
}

function turnsOf(em: SqlEntityManager, { tenantId, conversationId }: ConversationKey) {
  return tables(em)
    .selectFrom('conversation_turns')
    .where('tenantId', '=', tenantId)
    .where('conversationId', '=', conversationId);
}

const shown = (em: SqlEntityManager, key: ConversationKey) => turnsOf(em, key).select(SHOWN);

function changed(em: SqlEntityManager, { tenantId, conversationId }: ConversationKey, number: number) {
  return tables(em)
    .updateTable('conversation_turns')
    .where('tenantId', '=', tenantId)
    .where('conversationId', '=', conversationId)
    .where('number', '=', number);
}

type TurnRow = Awaited<ReturnType<ReturnType<typeof shown>['execute']>>[number];

function readTurn({ userId: user, actsFor, error, ...turn }: TurnRow): TurnRecord {
  return { ...turn, user, actsFor: actsFor ?? [], error: readFailure(error) };
}

function recordOf(turn: TurnRow | undefined): TurnRecord | null {
  return turn === undefined ? null : readTurn(turn);
}

const GONE: Failure = { code: 'task_unknown', message: 'The task of the turn is not there any more.' };

interface EndedRow extends Pick<EndedTurn, 'number' | 'taskId' | 'endsAs'> {
  readonly status: TaskStatus | null;
  readonly error: unknown;
  readonly output: unknown;
  readonly outputArtifactId: ArtifactId | null;
}

function endedTurn({ number, taskId, endsAs, status, error, output, outputArtifactId }: EndedRow): EndedTurn {
  const stored = { json: output === null ? null : JSON.stringify(output), artifactId: outputArtifactId };
  const isThere = status !== null && isTerminalTaskStatus(status);
  const end = isThere ? { status, failure: readFailure(error) } : { status: 'failed' as const, failure: GONE };
  return { number, taskId, endsAs, output: stored, ...end };
}
