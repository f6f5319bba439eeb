import type { AgentId } from '../ids.ts';

/** After this silence it has missed a beat: callers that wait for it are told. Nothing else follows. */
export const MISSED_AFTER_SECONDS = 15;
/** After this silence an agent is suspected, which is reported and not stored. Three beats are missing. */
export const SUSPECT_AFTER_SECONDS = 30;
/** After this silence an agent is offline, and a process loses its lease and everything under it. */
export const DEAD_AFTER_SECONDS = 45;
/** After this silence operators are alerted. */
export const ALERT_AFTER_SECONDS = 120;
/** For two periods after a start of the database no agent is declared dead: the silence may be the database's. */
export const RESTART_GRACE_SECONDS = 2 * DEAD_AFTER_SECONDS;
/** A supervisor that did not look for this long was blind meanwhile, and starts a new watch. */
export const WATCH_GAP_SECONDS = 30;
/** A new watch declares no agent dead before every living one has had time for three beats. */
export const WATCH_GRACE_SECONDS = 30;

/** What the stores report of an agent that counts as alive. Ages are by the database's clock, in seconds. */
export interface Vitals {
  readonly id: AgentId;
  readonly name: string;
  /** Since its last heartbeat; null if there is no row, which proves nothing. */
  readonly beatAge: number | null;
  /** Since the renewal of the newest open lease that covers it; null if there is none. */
  readonly leaseAge: number | null;
  /** Whether Redis has a beat of the last 30 s. */
  readonly onBoard: boolean;
}

/** Since when beats could have been noticed. */
export interface WatchState {
  readonly databaseUpSeconds: number;
  readonly watchingSeconds: number;
}

export interface Verdict {
  readonly suspects: readonly Vitals[];
  readonly dead: readonly Vitals[];
  /** Why no agent is declared dead now, whatever the silence; null when the verdict counts. */
  readonly waiting: 'database_restarted' | 'watch_began' | 'heartbeats_missing' | null;
}

/** Why silence proves nothing now; null when it does. */
function reasonToWait({ databaseUpSeconds, watchingSeconds }: WatchState): Verdict['waiting'] {
  if (databaseUpSeconds < RESTART_GRACE_SECONDS) return 'database_restarted';
  return watchingSeconds < WATCH_GRACE_SECONDS ? 'watch_began' : null;
}

/**
 * Decides which agents are suspected and which are dead. A missing row is not death: then the lease and Redis decide.
 * When more than half of the living fall silent at once and other signs contradict it, the heartbeats themselves are
 * broken, and no agent is declared dead.
 */
export function judgeSilence(vitals: readonly Vitals[], watch: WatchState): Verdict {
  const silent = vitals.filter((agent) => silenceOf(agent) > DEAD_AFTER_SECONDS);
  const suspects = vitals.filter((agent) => silenceOf(agent) > SUSPECT_AFTER_SECONDS && !silent.includes(agent));
  const waiting = reasonToWait(watch) ?? (areHeartbeatsBroken(vitals) ? 'heartbeats_missing' : null);
  if (waiting !== null) return { suspects: [...suspects, ...silent], dead: [], waiting };
  return { suspects, dead: silent, waiting };
}

/** Seconds of silence; infinite for an agent of which nothing is known. */
function silenceOf({ beatAge, leaseAge, onBoard }: Vitals): number {
  if (beatAge !== null) return beatAge;
  if (onBoard) return 0;
  return leaseAge ?? Number.POSITIVE_INFINITY;
}

function areHeartbeatsBroken(vitals: readonly Vitals[]): boolean {
  const unheard = vitals.filter(({ beatAge }) => beatAge === null || beatAge > DEAD_AFTER_SECONDS);
  if (unheard.length < 2 || unheard.length * 2 <= vitals.length) return false;
  return unheard.some(({ leaseAge, onBoard }) => onBoard || (leaseAge !== null && leaseAge <= DEAD_AFTER_SECONDS));
}
