import { jsonArrayFrom } from 'kysely/helpers/postgres';
import type { AgentStatus } from '../../domain/agents/agent-status.ts';
import { DEAD_AFTER_SECONDS, SUSPECT_AFTER_SECONDS } from '../../domain/agents/liveness.ts';
import { bandOfPriority, type PriorityBand } from '../../domain/tasks/priority.ts';
import { LIVING, secondsSince } from '../agents/agent-expressions.ts';
import { ago, literal } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';

/** How the whole installation stands, as PostgreSQL shows it. */
export interface InstallationGauges {
  readonly waiting: Readonly<Record<PriorityBand, number>>;
  /** The age of the oldest outbox row that was not sent; 0 when all are. */
  readonly outboxAgeSeconds: number;
  readonly agents: Readonly<Partial<Record<AgentStatus, number>>>;
  /** Silent for more than 30 s and not declared dead. */
  readonly suspects: number;
  /** Gone for so long that somebody was told. */
  readonly alerted: number;
  /** The age of the oldest heartbeat among the agents that count as alive; 0 without one. */
  readonly oldestHeartbeatSeconds: number;
  readonly messagesWaiting: number;
}

/** As literals: the index holds messages of these statuses only. */
const WAITING = (['pending', 'leased'] as const).map(literal);

/** Figures over all tenants, for monitoring. */
export class GaugeRepository extends Repository {
  /** One statement. Needs a system unit of work. */
  async read(): Promise<InstallationGauges> {
    const [row] = await tables(this.em)
      .selectFrom('agent_heartbeats as h')
      .innerJoin('agents as a', 'a.id', 'h.agentId')
      .where('a.status', 'in', LIVING)
      .select((eb) => {
        const { selectFrom, fn } = eb;
        const count = fn.countAll<string>().as('count');
        const counted = fn.countAll<number>().as('count');
        const isSuspect = eb.and([
          eb('h.beatAt', '<', ago(SUSPECT_AFTER_SECONDS)),
          eb('h.beatAt', '>=', ago(DEAD_AFTER_SECONDS)),
        ]);
        return [
          jsonArrayFrom(
            selectFrom('tasks')
              .select(['priority', counted])
              .where('status', '=', literal('pending'))
              .groupBy('priority'),
          ).as('waiting'),
          selectFrom('outbox')
            .select(secondsSince(fn.min('createdAt')).as('age'))
            .where('sentAt', 'is', null)
            .as('outboxAge'),
          jsonArrayFrom(selectFrom('agents').select(['status', counted]).groupBy('status')).as('agents'),
          selectFrom('agents').select(count).where('alertedAt', 'is not', null).as('alerted'),
          selectFrom('agent_messages').select(count).where('status', 'in', WAITING).as('messages'),
          fn.countAll<string>().filterWhere(isSuspect).as('suspects'),
          secondsSince(fn.min('h.beatAt')).as('oldest'),
        ];
      })
      .execute();
    return {
      waiting: perBand(row?.waiting ?? []),
      outboxAgeSeconds: row?.outboxAge ?? 0,
      agents: Object.fromEntries((row?.agents ?? []).map(({ status, count }) => [status, count])),
      suspects: Number(row?.suspects ?? 0),
      alerted: Number(row?.alerted ?? 0),
      oldestHeartbeatSeconds: row?.oldest ?? 0,
      messagesWaiting: Number(row?.messages ?? 0),
    };
  }
}

function perBand(
  counts: readonly { readonly priority: number; readonly count: number }[],
): Record<PriorityBand, number> {
  const waiting = { high: 0, normal: 0, low: 0 };
  for (const { priority, count } of counts) waiting[bandOfPriority(priority)] += count;
  return waiting;
}
