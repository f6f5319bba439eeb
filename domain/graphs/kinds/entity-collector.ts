import { compilePattern, MAX_STEPS, stepsOf } from '../bounded-pattern.ts';
import { buildMapping } from '../build-mapping.ts';
import type { EntityCollectorNode, EntityRule } from '../definition.ts';
import { readMapping } from '../read-mapping.ts';
import { at, nameOf, note, type Place, readBoolean, readList, readObject, readText } from '../read-unknown.ts';
import type { KindRules } from './kind-rules.ts';
import { readExpiry, WAITING, writtenExpiry } from './waiting.ts';

/** An entity collector takes what its input has by name, and waits until somebody has answered the rest. */
export const entityCollector: KindRules<EntityCollectorNode> = {
  ...WAITING,
  property: 'collect',
  written: ['input', 'expiresMs'],
  objective: 'Collects what is not known yet.',
  // What else it was given is a field that such nodes do not have, and is refused as one.
  build: (spec) => ({ ...Object(spec.collect), input: buildMapping(spec.input), ...writtenExpiry(spec) }),
  fields: ['entities', 'input'],
  optional: ['expiresMs'],
  parse: (field) => ({
    entities: readEntities(...field('entities')),
    input: readMapping(...field('input')),
    ...readExpiry(field),
  }),
  plan: { ...WAITING.plan, entities: [] },
  waitsAs: 'waiting_input',
};

/** How many entities one collector asks for. */
const MOST_ENTITIES = 50;
const ENTITY_NAME = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/;

function readEntities(value: unknown, place: Place): readonly EntityRule[] {
  const entities = readList(value, place, readEntity);
  if (Array.isArray(value) && (value.length === 0 || value.length > MOST_ENTITIES)) {
    note(place, 'wait_unusable', `Expected 1 to ${MOST_ENTITIES} entities, found ${value.length}.`);
  }
  // One that is too large by itself has its own fault.
  const sizes = entities.map(({ pattern = '' }) => stepsOf(pattern));
  const steps = sizes.reduce((sum, size) => sum + size, 0);
  if (steps > MAX_STEPS && sizes.every((size) => size <= MAX_STEPS)) {
    note(place, 'wait_unusable', `The patterns together have ${steps} steps, where ${MAX_STEPS} are allowed.`);
  }
  const twice = entities.find(({ name }, index) => entities.findIndex((other) => other.name === name) < index);
  if (twice !== undefined) note(place, 'wait_unusable', `There are two entities named "${twice.name}"; rename one.`);
  return entities;
}

function readEntity(value: unknown, place: Place): EntityRule | null {
  const keys = { required: ['name'], optional: ['description', 'required', 'pattern'] };
  const entity = readObject(value, place, keys);
  if (entity === null) return null;
  const name = readText(entity.name, at(place, 'name'));
  if (typeof entity.name === 'string' && !ENTITY_NAME.test(name)) {
    note(at(place, 'name'), 'name_invalid', `Expected a name like ${ENTITY_NAME.source}, found ${nameOf(name)}.`);
  }
  return {
    name,
    description: readText(entity.description, at(place, 'description')),
    required: entity.required === undefined || readBoolean(entity.required, at(place, 'required')),
    ...readPattern(entity.pattern, at(place, 'pattern')),
  };
}

function readPattern(value: unknown, place: Place): { readonly pattern?: string } {
  if (value === undefined) return {};
  const pattern = readText(value, place);
  const compiled = compilePattern(pattern);
  if (!compiled.ok) note(place, 'wait_unusable', compiled.fault);
  return { pattern };
}
