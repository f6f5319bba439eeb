import { isJsonObject } from '../json.ts';

/** How far ended traces were told to a collector, and which process tells the next. */
export interface TelemetryPlace {
  /** Behind which trace: the moment of its end with microseconds, and its id. Null before the first. */
  readonly cursor: { readonly at: string; readonly id: string } | null;
  /** The process that exports; until then nobody else does. */
  readonly holder: string;
  readonly untilMs: number;
}

const NOWHERE: TelemetryPlace = { cursor: null, holder: '', untilMs: 0 };

/** Reads the stored place; what is not one counts as none. */
export function parseTelemetryPlace(stored: unknown): TelemetryPlace {
  if (!isJsonObject(stored)) return NOWHERE;
  const { at, id, holder, untilMs } = stored;
  return {
    cursor: typeof at === 'string' && typeof id === 'string' ? { at, id } : null,
    holder: typeof holder === 'string' ? holder : '',
    untilMs: typeof untilMs === 'number' ? untilMs : 0,
  };
}

/** The place with this holder, unless another process holds it now. */
export function heldBy(
  place: TelemetryPlace,
  holder: string,
  { nowMs, forMs }: { nowMs: number; forMs: number },
): TelemetryPlace {
  const isFree = place.holder === holder || place.untilMs <= nowMs;
  return isFree ? { ...place, holder, untilMs: nowMs + forMs } : place;
}

/** As it is stored. */
export function storedPlace({ cursor, holder, untilMs }: TelemetryPlace): { readonly [key: string]: string | number } {
  return { ...cursor, holder, untilMs };
}
