import { SeededRandom } from './random.ts';

/** What can be done to whom. */
export const FAULT_KINDS = {
  postgresql: ['restart', 'end sessions', 'black hole', 'reset'],
  redis: ['kill', 'empty', 'forget scripts', 'black hole', 'reset'],
  temporal: ['kill', 'black hole', 'reset'],
  workers: ['kill', 'freeze', 'stop'],
} as const;
export type FaultTarget = keyof typeof FAULT_KINDS;
export type FaultKind = (typeof FAULT_KINDS)[FaultTarget][number];

/** One fault of a schedule. */
export interface ScheduledFault {
  readonly target: FaultTarget;
  readonly kind: FaultKind;
  /** When it begins, in milliseconds from the start of the schedule. */
  readonly atMs: number;
  /** How long it lasts. */
  readonly forMs: number;
  /** From 0 up to 1: which worker, or which connections, it is for. */
  readonly where: number;
}

/** A fault, and the quiet after it, last five seconds on average. */
const SPAN_MS = { least: 2_500, most: 7_500 };
const FIRST_AT_MS = 2_000;
/** How often a second fault comes on top of the first, or in the first two seconds of the recovery from it. */
const SECOND_CHANCE = 0.4;
const RECOVERY_MS = 2_000;

/**
 * Draws the faults of a run from a seed: the same ones for the same seed and length. Every target has its turn before
 * one has its next, and every kind of a target before one comes again, so that short runs are no narrower than they must
 * be. All faults are over when the time is.
 */
export function planFaults({ seed, seconds }: { seed: number; seconds: number }): ScheduledFault[] {
  const random = new SeededRandom(seed);
  const draw = drawing(random);
  const endMs = seconds * 1_000;
  const faults: ScheduledFault[] = [];
  const add = (fault: ScheduledFault): void => {
    const forMs = Math.min(fault.forMs, endMs - fault.atMs);
    if (forMs > 0) faults.push({ ...fault, forMs });
  };
  for (let atMs = FIRST_AT_MS; atMs < endMs; ) {
    const forMs = random.between(SPAN_MS.least, SPAN_MS.most);
    add({ ...draw(), atMs, forMs });
    if (random.chance(SECOND_CHANCE)) {
      const laterMs = random.between(0, forMs + RECOVERY_MS);
      add({ ...draw(), atMs: atMs + laterMs, forMs: random.between(SPAN_MS.least, SPAN_MS.most) / 2 });
    }
    atMs += forMs + random.between(SPAN_MS.least, SPAN_MS.most);
  }
  return faults.sort((one, other) => one.atMs - other.atMs);
}

function drawing(random: SeededRandom): () => Pick<ScheduledFault, 'target' | 'kind' | 'where'> {
  const targets = endless(random, Object.keys(FAULT_KINDS) as FaultTarget[]);
  const kinds = {
    postgresql: endless<FaultKind>(random, FAULT_KINDS.postgresql),
    redis: endless<FaultKind>(random, FAULT_KINDS.redis),
    temporal: endless<FaultKind>(random, FAULT_KINDS.temporal),
    workers: endless<FaultKind>(random, FAULT_KINDS.workers),
  };
  return () => {
    const target = targets();
    return { target, kind: kinds[target](), where: random.next() };
  };
}

/** Gives every item once in a random order, and then again in another one. */
function endless<Item>(random: SeededRandom, items: readonly Item[]): () => Item {
  let left: Item[] = [];
  return () => {
    if (left.length === 0) left = random.shuffled(items);
    return left.pop() ?? random.pick(items);
  };
}

/** A schedule for people, one line per fault. */
export function scheduleText(faults: readonly ScheduledFault[]): string {
  return faults.map(faultText).join('\n');
}

export function faultText({ target, kind, atMs, forMs, where }: ScheduledFault): string {
  const seconds = (ms: number) => (ms / 1_000).toFixed(1).padStart(5);
  return `${seconds(atMs)} s, for ${seconds(forMs)} s: ${target}: ${kind} (${where.toFixed(2)})`;
}
