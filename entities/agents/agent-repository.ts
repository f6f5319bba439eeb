import { AGENT_MOVES, type AgentBeat, type AgentStatus, type AgentType } from '../../domain/agents/agent-status.ts';
import type { AgentId, LeaseId, TenantId } from '../../domain/ids.ts';
import { anyOf, now } from '../common-expressions.ts';
import { Repository } from '../repository.ts';
import { tables } from '../tables.ts';
import { databaseMoment, listed, moveOf, nextStatus } from './agent-expressions.ts';

/** An agent as a worker registers it. */
export interface NewAgent {
  readonly id: AgentId;
  readonly name: string;
  readonly type: AgentType;
  readonly description: string;
  readonly roles: readonly string[];
  readonly capabilities: readonly string[];
}

/** One beat of a process: what it says of each agent for which its lease lets it speak. */
export interface ProcessBeat {
  readonly leaseId: LeaseId;
  readonly agents: readonly { readonly id: AgentId; readonly beat: AgentBeat }[];
}

/** Whom to look for. What is left out does not matter. */
export interface AgentSearch {
  readonly role?: string;
  readonly capability?: string;
}

export interface AgentRecord {
  readonly id: AgentId;
  readonly tenant: TenantId;
  readonly name: string;
  readonly type: AgentType;
  readonly status: AgentStatus;
  readonly description: string;
  readonly roles: readonly string[];
  readonly capabilities: readonly string[];
  /** The process that beat last. */
  readonly workerId: string | null;
  readonly lastHeartbeat: Date | null;
}

/** The registry of agents, and their signs of life. */
export class AgentRepository extends Repository {
  /**
   * Registers agents under a tenant and returns their ids by name. A known name keeps its id and, while it is alive, its
   * status; everything else is as the latest process says.
   */
  async register(tenant: TenantId, agents: readonly NewAgent[]): Promise<Map<string, AgentId>> {
    if (agents.length === 0) return new Map();
    const rows = agents.map(({ roles, capabilities, ...agent }) => ({
      ...agent,
      tenantId: tenant,
      status: 'starting' as const,
      roles: [...roles],
      capabilities: [...capabilities],
    }));
    const registered = await tables(this.em)
      .insertInto('agents')
      // Two processes that register the same agents lock their rows in the same order.
      .values(rows.sort((a, b) => (a.name < b.name ? -1 : 1)))
      .onConflict((conflict) =>
        conflict.columns(['tenantId', 'name']).doUpdateSet((eb) => ({
          description: eb.ref('excluded.description'),
          type: eb.ref('excluded.type'),
          roles: eb.ref('excluded.roles'),
          capabilities: eb.ref('excluded.capabilities'),
          status: nextStatus('registered'),
          updatedAt: now(),
        })),
      )
      .returning(['agents.id', 'agents.name'])
      .execute();
    return new Map(registered.map(({ name, id }) => [name, id]));
  }

  /**
   * One beat of a process in one statement: renews its lease, notes the sign of life of its agents and moves those whose
   * status it changes. In the order of their ids, so that two processes never wait for each other in a circle.
   * @returns the database's time, as messages carry it; null, with nothing written, once the lease has ended: the process
   * has to take a new one first
   */
  async beat({ leaseId, agents }: ProcessBeat): Promise<string | null> {
    const ids = listed<AgentId>(
      agents.map(({ id }) => id),
      'uuid',
    );
    const beats = listed<string>(
      agents.map(({ beat }) => beat),
      'text',
    );
    const row = await tables(this.em)
      .with('renewed', (db) =>
        db
          .updateTable('agent_leases')
          .set({ renewedAt: now() })
          .where('id', '=', leaseId)
          .where('endedAt', 'is', null)
          .returning('process'),
      )
      .with('told', (db) => db.selectNoFrom([ids.as('id'), beats.as('beat')]))
      .with('moves', (db) =>
        db
          .selectFrom('agents as a')
          .innerJoin('told', 'told.id', 'a.id')
          .select((eb) => ['a.id', moveOf(AGENT_MOVES, eb.ref('told.beat'), eb.ref('a.status')).as('next')])
          .where((eb) => eb(moveOf(AGENT_MOVES, eb.ref('told.beat'), eb.ref('a.status')), 'is not', null))
          .orderBy('a.id')
          .forUpdate('a'),
      )
      .with('moved', (db) =>
        db
          .updateTable('agents')
          .from('moves')
          .set((eb) => ({ status: eb.ref('moves.next').$notNull(), lastHeartbeat: now(), alertedAt: null }))
          .whereRef('agents.id', '=', 'moves.id')
          .where((eb) => eb.exists(eb.selectFrom('renewed').select('renewed.process'))),
      )
      .with('beaten', (db) =>
        db
          .insertInto('agent_heartbeats')
          .columns(['agentId', 'tenantId', 'workerId', 'beatAt'])
          .expression((eb) =>
            eb
              .selectFrom('told')
              .innerJoin('agents as a', 'a.id', 'told.id')
              .innerJoin('renewed', (join) => join.onTrue())
              .select(['a.id', 'a.tenantId', 'renewed.process', now().as('beatAt')])
              .orderBy('a.id'),
          )
          .onConflict((conflict) =>
            conflict.column('agentId').doUpdateSet((eb) => ({
              workerId: eb.ref('excluded.workerId'),
              beatAt: eb.ref('excluded.beatAt'),
            })),
          ),
      )
      .selectFrom('renewed')
      .select(databaseMoment().as('now'))
      .executeTakeFirst();
    return row?.now ?? null;
  }

  /**
   * A goodbye, or a fault: moves those of the agents whose last beat came from this process.
   * @returns which those are; none when it is repeated
   */
  async leave(process: string, ids: readonly AgentId[], event: 'left' | 'failed'): Promise<AgentId[]> {
    const gone = await tables(this.em)
      .updateTable('agents')
      .from((eb) =>
        eb
          .selectFrom('agent_heartbeats as h')
          .select(['h.agentId as gone', 'h.beatAt as lastBeat'])
          .where('h.agentId', '=', anyOf(ids))
          .where('h.workerId', '=', process)
          .orderBy('h.agentId')
          .forUpdate()
          .as('beats'),
      )
      .set((eb) => ({ status: nextStatus(event), lastHeartbeat: eb.ref('beats.lastBeat') }))
      .whereRef('agents.id', '=', 'beats.gone')
      .where((eb) => eb('agents.status', '<>', nextStatus(event)))
      .returning('agents.id')
      .execute();
    return gone.map(({ id }) => id);
  }

  /** Agents by name: all that the unit of work may see, or those with a role or a capability. */
  async list({ role, capability }: AgentSearch = {}): Promise<AgentRecord[]> {
    const agents = await tables(this.em)
      .selectFrom('agents as a')
      .leftJoin('agent_heartbeats as h', 'h.agentId', 'a.id')
      .select(['a.id', 'a.tenantId as tenant', 'a.name', 'a.type', 'a.status', 'a.description', 'a.roles'])
      .select((eb) => [
        'a.capabilities',
        'h.workerId',
        eb.fn.coalesce('h.beatAt', 'a.lastHeartbeat').as('lastHeartbeat'),
      ])
      .$if(role !== undefined, (query) => query.where((eb) => eb(eb.val(role), '=', eb.fn.any('a.roles'))))
      .$if(capability !== undefined, (query) =>
        query.where((eb) => eb(eb.val(capability), '=', eb.fn.any('a.capabilities'))),
      )
      .orderBy('a.name')
      .orderBy('a.tenantId')
      .execute();
    return agents;
  }
}
