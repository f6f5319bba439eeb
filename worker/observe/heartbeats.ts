import { type AgentStatus, HEARTBEAT_INTERVAL_MS } from '../../domain/agents/agent-status.ts';
import type { LoopPulse } from '../../domain/agents/liveness-stalls.ts';
import { errorMessage } from '../../domain/errors.ts';
import type { AgentId } from '../../domain/ids.ts';
import { Loop, type LoopLog } from '../../domain/system/loop.ts';
import type { AgentPresence } from '../../operations/agents/presence.ts';
import type { AgentHealthBoard } from '../../redis/agent-health.ts';

export interface HeartbeatOptions {
  readonly presence: AgentPresence;
  readonly board: Pick<AgentHealthBoard, 'beat' | 'remove'>;
  /** The names of the agents that work in this process now. */
  readonly working: () => ReadonlySet<string>;
  readonly log: LoopLog;
}

/**
 * Sends a heartbeat for every agent that this process hosts, every ten seconds, to PostgreSQL and Redis in parallel:
 * neither waits for the other, and a failed heartbeat is logged and followed by the next one.
 */
export class Heartbeats {
  readonly #options: HeartbeatOptions;
  readonly #loop: Loop;
  /** The agents that have had work since the start. */
  readonly #haveWorked = new Set<AgentId>();
  #hasJustBeaten = false;
  #end: 'stopped' | 'failed' = 'stopped';

  constructor(options: HeartbeatOptions) {
    this.#options = options;
    this.#loop = new Loop({ name: 'heartbeats', turn: () => this.#turn(), log: options.log });
  }

  get pulse(): LoopPulse {
    return this.#loop.pulse;
  }

  /** Registers the agents as starting and takes a lease. */
  async open(): Promise<void> {
    await this.#options.presence.open();
  }

  /** The first beat, after which the agents are active; the others follow by themselves. */
  async start(): Promise<void> {
    await this.#turn();
    this.#hasJustBeaten = true;
    this.#loop.start();
  }

  /** The process is about to end because of a fault: its goodbye will say so. */
  markFailed(): void {
    this.#end = 'failed';
  }

  /** Says goodbye, so that nobody has to wait until the silence is noticed. */
  async close(): Promise<void> {
    await this.#loop.stop();
    const { presence, board } = this.#options;
    const gone = await presence.close(this.#end);
    // Without Redis the keys expire.
    await board.remove(gone).catch(() => undefined);
  }

  async #turn(): Promise<number> {
    const { presence } = this.#options;
    if (this.#hasJustBeaten) {
      this.#hasJustBeaten = false;
      return HEARTBEAT_INTERVAL_MS;
    }
    const names = this.#options.working();
    const working = new Set([...presence.ids].filter(([name]) => names.has(name)).map(([, id]) => id));
    await Promise.all([presence.beat((id) => working.has(id)), this.#showOnBoard(working)]);
    return HEARTBEAT_INTERVAL_MS;
  }

  async #showOnBoard(working: ReadonlySet<AgentId>): Promise<void> {
    const { presence, board, log } = this.#options;
    for (const id of working) this.#haveWorked.add(id);
    const statusOf = (id: AgentId): AgentStatus => {
      if (working.has(id)) return 'busy';
      return this.#haveWorked.has(id) ? 'idle' : 'active';
    };
    await board.beat([...presence.ids.values()].map((id) => ({ id, status: statusOf(id) }))).catch((error: unknown) => {
      log.warn({ error: errorMessage(error) }, 'could not write a heartbeat to Redis; the one in PostgreSQL counts');
    });
  }
}
