import type { AgentId } from '../ids.ts';

/** Silent for longer than this, it has missed a beat: those who wait for it are told. Nothing else follows. */
export const MISSED_AFTER_SECONDS = 15;
/** Silent for longer than this, an agent is suspected: said in reports, written nowhere. Three beats are missing. */
export const SUSPECT_AFTER_SECONDS = 30;
/** Silent for longer than this, it is offline, and a process loses its lease and what it held. */
export const DEAD_AFTER_SECONDS = 45;
/** Silent for longer than this, somebody is told. */
export const ALERT_AFTER_SECONDS = 120;
/** After a start of the database nobody is declared dead for two periods: until then silence may be the database's. */
export const RESTART_GRACE_SECONDS = 2 * DEAD_AFTER_SECONDS;
/** Whoever watches and did not look for this long was blind meanwhile, and starts to watch anew. */
export const WATCH_GAP_SECONDS = 30;
/** A new watch declares nobody dead before everybody who lives has had the time for three beats. */
export const WATCH_GRACE_SECONDS = 30;

/** What the stores say of an agent that counts as alive. Ages are by the database's clock, in seconds. */
export interface Vitals {
  readonly id: AgentId;
  readonly name: string;
  /** Since its last heartbeat; null where there is no row, which says nothing by itself. */
  readonly beatAge: number | null;
  /** Since the renewal of the newest open lease that covers it; null where there is none. */
  readonly leaseAge: number | null;
  /** Whether Redis shows a beat of the last 30 s. */
  readonly onBoard: boolean;
}

/** Since when somebody has been able to hear beats at all. */
export interface WatchState {
  readonly databaseUpSeconds: number;
  readonly watchingSeconds: number;
}

export interface Verdict {
  readonly suspects: readonly Vitals[];
  readonly dead: readonly Vitals[];
  /** Why nobody is declared dead now, whatever the silence; null when the verdict counts. */
  readonly waiting: 'database_restarted' | 'watch_began' | 'heartbeats_missing' | null;
}

/** Why silence says nothing at the moment; null when it does. */
export function reasonToWait({ databaseUpSeconds, watchingSeconds }: WatchState): Verdict['waiting'] {
  if (databaseUpSeconds < RESTART_GRACE_SECONDS) return 'database_restarted';
  return watchingSeconds < WATCH_GRACE_SECONDS ? 'watch_began' : null;
}

/**
 * Who is suspected and who is dead. A missing row is not death: then the lease speaks, and Redis. When more than half of
 * the living fall silent at once and other signs contradict it, the heartbeats are what is broken, and everybody waits.
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
