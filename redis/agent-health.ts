import { AGENT_STATUSES, type AgentStatus, HEARTBEAT_TTL_SECONDS } from '../domain/agents/agent-status.ts';
import type { AgentId } from '../domain/ids.ts';
import type { RedisConnections } from './open-redis.ts';

/** The content of an agent's last heartbeat. */
export interface AgentHealth {
  id: AgentId;
  status: AgentStatus;
  /** By the clock of Redis. */
  lastHeartbeatAt: Date;
}

/**
 * Agents that are read at once, few enough for one command timeout. Each has its own key, which may be on another node
 * of a cluster, so no command names two of them.
 */
const COMMANDS_AT_ONCE = 500;

/**
 * The fast signal that agents are alive. PostgreSQL is the authority: an agent that is missing here has been silent for
 * 30 s, or Redis has been emptied.
 */
export class AgentHealthBoard {
  readonly #redis: RedisConnections;

  constructor(redis: RedisConnections) {
    this.#redis = redis;
  }

  /** Shows all given agents alive for the next 30 s. Repeating it prolongs that. */
  async beat(agents: readonly { id: AgentId; status: AgentStatus }[]): Promise<void> {
    if (agents.length === 0) return;
    const time = await this.#redis.ask((redis) => redis.time());
    const heartbeatAt = new Date(Number(time[0]) * 1_000 + Math.floor(Number(time[1]) / 1_000)).toISOString();
    for (let from = 0; from < agents.length; from += COMMANDS_AT_ONCE) {
      const part = agents.slice(from, from + COMMANDS_AT_ONCE);
      await this.#redis.ask((redis) =>
        Promise.all(
          part.flatMap(({ id, status }) => {
            const key = this.#redis.keys.agentHealth(id);
            const told = redis.hset(key, { id, status, last_heartbeat: heartbeatAt });
            return [told, redis.expire(key, HEARTBEAT_TTL_SECONDS)];
          }),
        ),
      );
    }
  }

  /** Removes agents that said goodbye before their keys expire. */
  async remove(ids: readonly AgentId[]): Promise<void> {
    for (let from = 0; from < ids.length; from += COMMANDS_AT_ONCE) {
      const keys = ids.slice(from, from + COMMANDS_AT_ONCE).map((id) => this.#redis.keys.agentHealth(id));
      await this.#redis.ask((redis) => Promise.all(keys.map((key) => redis.del(key))));
    }
  }

  /** The last heartbeat of each given agent that beat within 30 s; the others are left out. */
  async health(ids: readonly AgentId[]): Promise<Map<AgentId, AgentHealth>> {
    const found = new Map<AgentId, AgentHealth>();
    if (ids.length === 0) return found;
    for (let from = 0; from < ids.length; from += COMMANDS_AT_ONCE) {
      const part = ids.slice(from, from + COMMANDS_AT_ONCE);
      const answers = await this.#redis.ask((redis) =>
        Promise.all(part.map((id) => redis.hmget(this.#redis.keys.agentHealth(id), 'status', 'last_heartbeat'))),
      );
      part.forEach((id, index) => {
        const health = parseHealth(id, answers[index]);
        if (health) found.set(id, health);
      });
    }
    return found;
  }
}

/** Null for a value that is not a heartbeat: what other programs wrote under the key counts as silence. */
function parseHealth(id: AgentId, answer: unknown): AgentHealth | null {
  const [status, heartbeatAt] = Array.isArray(answer) ? answer : [];
  const known = AGENT_STATUSES.find((candidate) => candidate === status);
  const lastHeartbeatAt = new Date(String(heartbeatAt));
  if (!known || Number.isNaN(lastHeartbeatAt.getTime())) return null;
  return { id, status: known, lastHeartbeatAt };
}
