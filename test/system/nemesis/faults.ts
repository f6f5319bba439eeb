import { setTimeout as pause } from 'node:timers/promises';
import type { ManagedServer } from '../../support/managed-server.ts';
import type { Installation } from './installation.ts';
import type { Party, Service } from './links.ts';
import { type FaultKind, type FaultTarget, faultText, type ScheduledFault } from './schedule.ts';

/**
 * Brings one fault about and heals it again. Resolves when it is healed; the answer says what shows that it took place,
 * or is null where it found nobody to happen to.
 */
type Fault = (installation: Installation, fault: ScheduledFault) => Promise<string | null>;

const AGAIN_MS = 250;

const FAULTS: Readonly<Record<FaultTarget, Partial<Record<FaultKind, Fault>>>> = {
  postgresql: {
    // SIGQUIT is PostgreSQL's immediate shutdown: no checkpoint, no goodbye to clients.
    restart: ({ stack, turns }, { forMs }) => restart(turns.postgresql, stack.postgres, { signal: 'SIGQUIT', forMs }),
    'end sessions': endSessions,
    'black hole': (installation, fault) => disturb(installation, fault, { service: 'postgresql', mode: 'blackHole' }),
    reset: (installation, fault) => disturb(installation, fault, { service: 'postgresql', mode: 'reset' }),
  },
  redis: {
    kill: ({ stack, turns }, { forMs }) => restart(turns.redis, stack.redis, { signal: 'SIGKILL', forMs }),
    empty: (installation, { forMs }) =>
      askRedisRepeatedly(installation, { command: 'FLUSHALL', everyMs: forMs / 2, forMs }),
    'forget scripts': (installation, { forMs }) =>
      askRedisRepeatedly(installation, { command: 'SCRIPT FLUSH', everyMs: AGAIN_MS, forMs }),
    'black hole': (installation, fault) => disturb(installation, fault, { service: 'redis', mode: 'blackHole' }),
    reset: (installation, fault) => disturb(installation, fault, { service: 'redis', mode: 'reset' }),
  },
  temporal: {
    kill: ({ stack, turns }, { forMs }) => restart(turns.temporal, stack.temporal, { signal: 'SIGKILL', forMs }),
    'black hole': (installation, fault) => disturb(installation, fault, { service: 'temporal', mode: 'blackHole' }),
    reset: (installation, fault) => disturb(installation, fault, { service: 'temporal', mode: 'reset' }),
  },
  workers: {
    kill: (installation, fault) =>
      onWorker(installation, fault, (place) => place.replace('SIGKILL', fault.forMs), 'killed'),
    freeze: (installation, fault) => onWorker(installation, fault, (place) => place.freeze(fault.forMs), 'frozen'),
    stop: (installation, fault) =>
      onWorker(installation, fault, (place) => place.replace('SIGTERM', fault.forMs), 'stopped'),
  },
};

/** A fault that took place, and when, in milliseconds since 1970: healing may take longer than the fault was to last. */
export interface HappenedFault extends ScheduledFault {
  readonly fromMs: number;
  readonly untilMs: number;
}

/** Carries out a schedule. Resolves when the last fault is healed; answers those that took place. */
export async function carryOut(
  installation: Installation,
  schedule: readonly ScheduledFault[],
): Promise<HappenedFault[]> {
  const happened: HappenedFault[] = [];
  const faults = schedule.map(async (fault) => {
    await pause(fault.atMs);
    const fromMs = Date.now();
    installation.log.note(`begins: ${faultText(fault)}`);
    const proof = await FAULTS[fault.target][fault.kind]?.(installation, fault);
    if (proof != null) happened.push({ ...fault, fromMs, untilMs: Date.now() });
    installation.log.note(`healed: ${faultText(fault)}: ${proof ?? 'found nobody'}`);
  });
  await Promise.all(faults);
  return happened;
}

/** One at a time for each server: a fault that finds it down already has happened. */
async function restart(
  turn: Turn,
  server: ManagedServer,
  { signal, forMs }: { signal: NodeJS.Signals; forMs: number },
): Promise<string> {
  return turn(async () => {
    const { pid } = server;
    await server.kill(signal);
    await pause(forMs);
    await server.start();
    return `process ${pid} is ${server.pid} now`;
  });
}

/** Lets callers take their turns in the order in which they came. */
export type Turn = <Result>(work: () => Promise<Result>) => Promise<Result>;

export function newTurn(): Turn {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const mine = last.then(work, work);
    last = mine.catch(() => undefined);
    return mine;
  };
}

async function endSessions({ world }: Installation, { forMs }: ScheduledFault): Promise<string | null> {
  let ended = 0;
  for (const endMs = performance.now() + forMs; performance.now() < endMs; ) {
    const rows = await world
      .query(`
        select pg_terminate_backend(pid) from pg_stat_activity
        where application_name like 'muster%' and datname = current_database() and pid <> pg_backend_pid()
        order by random() limit 2`)
      .catch(() => []);
    ended += rows.length;
    await pause(AGAIN_MS);
  }
  return ended > 0 ? `${ended} sessions ended` : null;
}

async function askRedisRepeatedly(
  { redis }: Installation,
  { command, everyMs, forMs }: { command: 'FLUSHALL' | 'SCRIPT FLUSH'; everyMs: number; forMs: number },
): Promise<string | null> {
  const [name = '', ...words] = command.split(' ');
  let done = 0;
  for (const endMs = performance.now() + forMs; performance.now() < endMs; ) {
    await redis.call(name, ...words).then(
      () => (done += 1),
      () => undefined,
    );
    await pause(everyMs);
  }
  return done > 0 ? `${done} times` : null;
}

/** Everybody's connections to the service, the callers' alone, or one worker's alone. */
async function disturb(
  { links, places, parties }: Installation,
  { where, forMs }: ScheduledFault,
  { service, mode }: { service: Service; mode: 'blackHole' | 'reset' },
): Promise<string | null> {
  const choices: readonly (readonly Party[])[] = [parties, parties, ...parties.map((party) => [party])];
  const chosen = choices[Math.floor(where * choices.length)] ?? parties;
  const before = links.traffic(service, chosen);
  const heal = links.disturb(service, chosen, mode);
  await pause(forMs);
  heal();
  const after = links.traffic(service, chosen);
  const who = chosen.length === places.length + 1 ? 'everybody' : chosen.join();
  const proof = mode === 'blackHole' ? after.dropped - before.dropped : after.accepted - before.accepted;
  return proof > 0 ? `${who}: ${proof} ${mode === 'blackHole' ? 'bytes dropped' : 'connections refused'}` : null;
}

async function onWorker(
  { places }: Installation,
  { where }: ScheduledFault,
  act: (place: Installation['places'][number]) => Promise<boolean>,
  what: string,
): Promise<string | null> {
  const free = places.filter((place) => !place.reserved && place.worker !== null);
  const place = free[Math.floor(where * free.length)];
  if (place === undefined) return null;
  const pid = place.worker?.pid;
  return (await act(place)) ? `place ${place.number}: worker ${pid} ${what}` : null;
}
