import { parseMoment } from '../domain/messaging/signing-text.ts';

/** What the database's clock said, and this process's clocks when the answer came. */
export interface ClockReading {
  readonly microseconds: number;
  /** By the monotonic clock, which no correction moves and which stands still while the machine sleeps. */
  readonly since: number;
  /** By the clock of the host, which continues meanwhile and may be moved. */
  readonly hostTime: number;
}

/** Beyond this the two clocks of a host have not just drifted apart. */
const SLEPT_MS = 1_000;

/** @param moment the database's time, as messages carry it */
export function readClock(moment: string): ClockReading {
  return { microseconds: parseMoment(moment), since: performance.now(), hostTime: Date.now() };
}

/** The database's time now, in microseconds, as far as the reading can tell. */
export function databaseTime({ microseconds, since }: ClockReading): number {
  return microseconds + Math.floor((performance.now() - since) * 1_000);
}

/** Whether the machine slept since, or its clock was moved: the reading has to be taken anew then. */
export function isClockBroken({ since, hostTime }: ClockReading): boolean {
  return Math.abs(Date.now() - hostTime - (performance.now() - since)) > SLEPT_MS;
}
