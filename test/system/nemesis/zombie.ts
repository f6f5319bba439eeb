import { errorMessage } from '../../../domain/errors.ts';
import { eventually } from '../../support/eventually.ts';
import type { World } from '../faults/world.ts';
import { holderSubject, REFUSED } from './graphs.ts';
import type { Installation } from './installation.ts';
import type { Workplace } from './workplace.ts';

/** A worker that was stopped in the middle of a handler until another one had taken the handler over. */
export interface Zombie {
  readonly label: string;
  /** Lets it continue, and waits until it was refused. Every service must be there. Answers the codes of the refusals. */
  resume(): Promise<string[]>;
}

const HELD_WITHIN_MS = 30_000;
/** Longer than two heartbeat timeouts of 20 s, on a busy machine. */
const TAKEN_OVER_WITHIN_MS = 90_000;

/** Stops a worker while it holds a task of the graph `overtaken`. Its place is no other fault's until it has gone on. */
export async function forceZombie(installation: Installation): Promise<Zombie> {
  const { world, callers } = installation;
  const [caller] = callers;
  if (caller === undefined) throw new Error('A zombie needs a caller.');
  for (let number = 0; ; number += 1) {
    const label = `zombie-${number}`;
    await caller.carryOut(label, { graph: 'overtaken', label, options: { priority: 'high' } });
    const place = await stopHolder(installation, label).catch(() => null);
    if (place !== null) return { label, resume: () => resume(installation, { label, place }) };
    // Its first attempt died with its worker; its holder is released.
    await Promise.all([world.sink.open(label), world.sink.open(`${label}/again`)]);
    if (number === 2) throw new Error('No worker could be stopped in the middle of a handler.');
  }
}

/** Stops the worker that holds the first attempt at its gate, and reserves its place. */
function stopHolder({ world, places, log }: Installation, label: string): Promise<Workplace> {
  return eventually(
    async () => {
      const { subjects, waiting } = await world.sink.record();
      const place = places.find(({ worker }) => worker !== null && subjects.has(holderSubject(label, 1, worker.pid)));
      if (place?.worker == null || !waiting.includes(label)) throw new Error('nobody holds it');
      place.reserved = true;
      place.worker.signal('SIGSTOP');
      log.note(`place ${place.number}: worker ${place.worker.pid} is to become a zombie with ${label}`);
      return place;
    },
    { withinMs: HELD_WITHIN_MS, everyMs: 50, what: `a worker that holds ${label}` },
  );
}

async function resume(
  { world, log }: Installation,
  { label, place }: { label: string; place: Workplace },
): Promise<string[]> {
  const again = `${label}/again`;
  const taken = async () => (await world.sink.record()).waiting.includes(again);
  const another = { withinMs: TAKEN_OVER_WITHIN_MS, everyMs: 100, what: `another attempt of ${label}` };
  // Without one the zombie is no zombie, and continues all the same, so that its work comes to an end.
  await eventually(taken, another).catch((error: unknown) => log.note(errorMessage(error)));
  await world.sink.open(label);
  place.worker?.signal('SIGCONT');
  place.reserved = false;
  log.note(`place ${place.number}: the zombie continues`);
  try {
    await wrote(world, label);
  } finally {
    await world.sink.open(again);
  }
  return refusals(world);
}

/** Resolves when the zombie was refused in all that it tried to leave behind. */
async function wrote({ sink }: World, label: string): Promise<void> {
  const look = async () => {
    const record = await sink.record();
    return [`${label}/1/artifact`, `${label}/1/effect`].every((key) => record.calls(key) > 0);
  };
  await eventually(look, { withinMs: 30_000, everyMs: 50, what: 'refusals of the zombie' });
}

/** The codes with which writes of the graph `overtaken` were refused so far. */
export async function refusals({ sink }: World): Promise<string[]> {
  const { subjects } = await sink.record();
  return [...subjects.keys()]
    .filter((subject) => subject.startsWith(REFUSED))
    .map((subject) => subject.slice(REFUSED.length));
}
