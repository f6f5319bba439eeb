import type { Json } from '../../json.ts';
import { momentOf } from '../../moment-text.ts';
import { buildSource } from '../build-mapping.ts';
import { AWAITED, type InputMapping, type InputSource, type WaitNode } from '../definition.ts';
import type { NodeSpec } from '../graph-spec.ts';
import { WAIT_LIMITS } from '../kinds.ts';
import { NAME_PATTERN } from '../names.ts';
import { readMapping } from '../read-mapping.ts';
import { at, nameOf, note, type Place, readWord } from '../read-unknown.ts';
import type { SourceSpec } from '../source-spec.ts';
import type { KindRules } from './kind-rules.ts';
import { readExpiry, WAITING, writtenExpiry } from './waiting.ts';

type Awaited = WaitNode['for'];

/** A wait lets its graph continue when a message, an event or a time has come. */
export const wait: KindRules<WaitNode> = {
  ...WAITING,
  property: 'wait',
  written: ['expiresMs'],
  objective: 'Waits for a message, an event or a time.',
  build: (spec) => ({ ...buildAwaited(spec.wait), ...writtenExpiry(spec) }),
  fields: ['for', 'input'],
  optional: ['name', 'expiresMs'],
  parse: (field) => {
    const awaited = readWord(...field('for'), AWAITED);
    return {
      for: awaited,
      ...readName(awaited, ...field('name')),
      input: readSources(awaited, ...field('input')),
      ...readExpiry(field),
    };
  },
  waitsAs: 'waiting_input',
};

/** What it was given that is unknown becomes a source of its input, whose names are checked. */
function buildAwaited(written: NodeSpec['wait']): Pick<WaitNode, 'for' | 'name' | 'input'> {
  const { for: awaited, name, ...sources } = Object(written) as Partial<Record<string, unknown>>;
  const fields = Object.entries(sources).map(([key, source]) => [key, sourceOf(source)] as const);
  return {
    for: awaited as Awaited,
    ...(name === undefined ? {} : { name: name as string }),
    input: { fields: Object.fromEntries(fields) },
  };
}

/** A text that is not a pointer, and a number, stand for themselves. */
function sourceOf(source: unknown): InputSource {
  const isItself = typeof source === 'number' || (typeof source === 'string' && !source.startsWith('/'));
  return isItself ? { value: source } : buildSource(source as SourceSpec<string>);
}

function readName(awaited: Awaited, value: unknown, place: Place): Pick<WaitNode, 'name'> {
  if (awaited === 'time') {
    if (value !== undefined) note(place, 'wait_unusable', 'A wait for a time has no name.');
    return {};
  }
  if (typeof value === 'string' && NAME_PATTERN.test(value)) return { name: value };
  note(
    place,
    'wait_unusable',
    `A wait for ${article(awaited)} needs a name like ${NAME_PATTERN.source}, found ${nameOf(value)}.`,
  );
  return {};
}

function article(awaited: Awaited): string {
  return awaited === 'event' ? 'an event' : `a ${awaited}`;
}

const SOURCES: Readonly<Record<Awaited, readonly string[]>> = {
  message: [],
  event: ['key'],
  time: ['until', 'afterMs'],
};

function readSources(awaited: Awaited, value: unknown, place: Place): InputMapping {
  const mapping = readMapping(value, place);
  const fields = 'fields' in mapping ? mapping.fields : {};
  const known = SOURCES[awaited];
  for (const name of Object.keys(fields).filter((name) => !known.includes(name))) {
    const takes = known.length === 0 ? 'nothing more' : known.join(', ');
    note(at(place, name), 'unknown_property', `A wait for ${article(awaited)} takes ${takes}; found "${name}".`);
  }
  if (awaited !== 'time') return mapping;
  const [source, ...others] = Object.values(fields);
  if (source === undefined || others.length > 0) {
    note(place, 'wait_unusable', 'A wait for a time needs either "until" or "afterMs".');
  } else if ('value' in source) {
    const fault = timeFault({ until: null, afterMs: null, ...valuesOf(fields) });
    if (fault !== null) note(place, 'wait_unusable', fault);
  }
  return mapping;
}

function valuesOf(fields: Readonly<Record<string, InputSource>>): Record<string, Json> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, source]) => [name, 'value' in source ? source.value : null]),
  );
}

/** What a wait's input says of its time: one of both. */
interface TimeInput {
  readonly until?: Json;
  readonly afterMs?: Json;
}

/** Why a wait cannot be for this time, as a sentence; null where it can. */
export function timeFault({ until = null, afterMs = null }: TimeInput): string | null {
  if (until !== null) {
    if (momentOf(until) !== null) return null;
    return `Expected "until" as a time like 2027-01-31T09:00:00Z, found ${nameOf(until)}.`;
  }
  if (typeof afterMs === 'number' && afterMs >= 0 && afterMs <= WAIT_LIMITS.max) return null;
  return `Expected "afterMs" as a number from 0 to ${WAIT_LIMITS.max}, found ${nameOf(afterMs)}.`;
}

/** Until when a wait for a time waits that begins now. In milliseconds since 1970, of an input without a fault. */
export function timeOf({ until = null, afterMs = null }: TimeInput, nowMs: number): number {
  return momentOf(until) ?? nowMs + Math.ceil(Number(afterMs));
}
