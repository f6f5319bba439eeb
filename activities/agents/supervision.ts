import { newId } from '../../database/new-id.ts';
import {
  DEAD_AFTER_SECONDS,
  judgeSilence,
  type Verdict,
  type Vitals,
  type WatchState,
} from '../../domain/agents/liveness.ts';
import { errorMessage } from '../../domain/errors.ts';
import type { AgentId, LeaseId } from '../../domain/ids.ts';
import { LeaseRepository } from '../../entities/agents/lease-repository.ts';
import { type GoneAgent, SupervisionRepository } from '../../entities/agents/supervision-repository.ts';
import type { ActivityDependencies } from '../dependencies.ts';

/** What one look found and did. Agents are named. */
export interface SupervisionReport {
  /** How many count as alive. */
  readonly living: number;
  /** Silent for more than 30 s. */
  readonly suspects: readonly string[];
  /** Written as offline by this look. */
  readonly offline: readonly string[];
  /** Offline without a goodbye for more than two minutes, and told now. */
  readonly alerts: readonly string[];
  /** Processes whose lease ended by this look. */
  readonly silentProcesses: readonly string[];
  /** Messages that such processes were handling and that others may handle now. */
  readonly reroutedMessages: number;
  /** Why nobody was declared dead, whatever the silence; null when silence counted. */
  readonly waiting: Verdict['waiting'];
}

type Dependencies = Pick<ActivityDependencies, 'database' | 'board' | 'log'>;

/** What PostgreSQL shows at one moment. */
export interface Look {
  readonly vitals: readonly Omit<Vitals, 'onBoard'>[];
  readonly watch: WatchState;
}

/**
 * Looks once at every agent and every process that holds a lease. Idempotent: what one look declared, the next one finds
 * declared. A crash between reading and writing changes nothing; the writing is one transaction.
 */
export async function runSupervision(deps: Dependencies): Promise<SupervisionReport> {
  return actOn(deps, await lookAtAgents(deps));
}

/** Reads who has been silent for how long, and notes that somebody watches. */
export function lookAtAgents({ database }: Pick<Dependencies, 'database'>): Promise<Look> {
  const leaseId = newId<LeaseId>();
  return database.inSystem('supervise', async ({ em }) => {
    const supervision = new SupervisionRepository(em);
    const watch = await supervision.watch(leaseId);
    return { watch, vitals: await supervision.vitals() };
  });
}

/** Judges what was seen, and writes what follows from it. */
export async function actOn(deps: Dependencies, { vitals, watch }: Look): Promise<SupervisionReport> {
  const verdict = judgeSilence(await withBoard(deps, vitals), watch);
  const found = { living: vitals.length, suspects: namesOf(verdict.suspects), waiting: verdict.waiting };
  if (found.suspects.length > 0) deps.log.info({ ...found }, 'agents are silent');
  if (verdict.waiting !== null) return { ...found, offline: [], alerts: [], silentProcesses: [], reroutedMessages: 0 };
  return { ...found, ...(await declare(deps, verdict.dead)) };
}

/** Asks Redis about those whose heartbeat in PostgreSQL is missing or old. Without Redis, PostgreSQL alone decides. */
async function withBoard({ board, log }: Dependencies, vitals: readonly Omit<Vitals, 'onBoard'>[]): Promise<Vitals[]> {
  const unheard = vitals.filter(({ beatAge }) => beatAge === null || beatAge > DEAD_AFTER_SECONDS);
  const health = await board.health(unheard.map(({ id }) => id)).catch((error: unknown) => {
    log.debug({ error: errorMessage(error) }, 'Redis did not answer; the supervision uses PostgreSQL alone');
    return new Map<AgentId, unknown>();
  });
  return vitals.map((agent) => ({ ...agent, onBoard: health.has(agent.id) }));
}

async function declare({ database, log }: Dependencies, dead: readonly Vitals[]) {
  const { offline, expired, reroutedMessages, alerts } = await database.inSystem('supervise', async ({ em }) => {
    const supervision = new SupervisionRepository(em);
    const gone = await supervision.declareOffline(dead.map(({ id }) => id));
    const leases = await new LeaseRepository(em).expire(DEAD_AFTER_SECONDS);
    const count = await supervision.reroute(leases);
    const raised = await supervision.raiseAlerts();
    await supervision.forgetOldLeases();
    return { offline: gone, expired: leases, reroutedMessages: count, alerts: raised };
  });
  for (const { process, fence, silentSeconds } of expired) {
    log.warn(
      { process, fence, silentSeconds: Math.round(silentSeconds) },
      'a process fell silent; its lease has ended',
    );
  }
  for (const agent of offline) log.warn(factsOf(agent), 'an agent fell silent and is offline');
  for (const agent of alerts) log.warn({ ...factsOf(agent), alert: true }, 'an agent has been gone for too long');
  const silentProcesses = expired.map(({ process }) => process);
  return { offline: namesOf(offline), alerts: namesOf(alerts), silentProcesses, reroutedMessages };
}

function namesOf(agents: readonly { readonly name: string }[]): string[] {
  return agents.map(({ name }) => name).sort();
}

function factsOf({ name, tenant, silentSeconds }: GoneAgent) {
  return { agent: name, tenant, silentSeconds };
}
