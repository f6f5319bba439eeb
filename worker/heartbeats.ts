import { v7 as uuid } from 'uuid';
import type { Database } from '../database/transaction.ts';
import { Loop, type LoopLog } from '../dispatcher/loop.ts';
import type { Handler } from '../domain/agents/handler.ts';
import { type AgentStatus, HEARTBEAT_INTERVAL_MS } from '../domain/agents/status.ts';
import { type AgentId, SYSTEM_TENANT } from '../domain/ids.ts';
import { AgentRepository } from '../entities/agents/agent-repository.ts';
import type { AgentHealthBoard } from '../redis/agent-health.ts';

export interface HeartbeatOptions {
  readonly database: Database;
  readonly board: AgentHealthBoard;
  readonly workerId: string;
  readonly handlers: Iterable<Handler>;
  readonly log: LoopLog;
}

/**
 * Beats for every agent that this process hosts: PostgreSQL in one batch, Redis in one pipeline, every ten seconds.
 * `open` registers the agents; `close` says goodbye, so that nobody has to wait for the silence to be noticed. A beat
 * that fails is reported and followed by the next one.
 */
export class Heartbeats {
  readonly #options: HeartbeatOptions;
  readonly #loop: Loop;
  #ids: readonly AgentId[] = [];

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#loop = new Loop('heartbeats', options.log, async () => {
      await this.#beat('active');
      return HEARTBEAT_INTERVAL_MS;
    });
  }

  async open(): Promise<void> {
    const { database, handlers } = this.#options;
    const agents = [...handlers].map((handler) => ({
      id: uuid() as AgentId,
      name: handler.name,
      type: handler.kind === 'tool' ? ('tool' as const) : ('worker' as const),
      description: handler.description,
    }));
    const ids = await database.inSystem('heartbeat', async ({ em }) => {
      const repository = new AgentRepository(em);
      const registered = await repository.register(SYSTEM_TENANT, agents);
      await repository.setStatus([...registered.values()], 'active');
      return registered;
    });
    this.#ids = [...ids.values()].sort();
    this.#loop.start();
  }

  async close(): Promise<void> {
    await this.#loop.stop();
    const { database, workerId } = this.#options;
    // Another worker may host the same agents: only those whose last beat was ours go offline.
    await database.inSystem('heartbeat', ({ em }) => new AgentRepository(em).leave(workerId, this.#ids));
  }

  async #beat(status: AgentStatus): Promise<void> {
    const { database, board, workerId, log } = this.#options;
    if (this.#ids.length === 0) return;
    await database.inSystem('heartbeat', ({ em }) => new AgentRepository(em).beat(workerId, this.#ids));
    await board.beat(this.#ids.map((id) => ({ id, status }))).catch((error: Error) => {
      log.warn({ error: error.message }, 'the fast heartbeat was not taken; PostgreSQL has it');
    });
  }
}
