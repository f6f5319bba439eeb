import type { InputMapping, InputSource } from './definition.ts';
import { parsePointer } from './json-pointer.ts';
import { at, nameOf, note, type Place, readBoolean, readJson, readObject, readRecord } from './read-unknown.ts';

const NOTHING: InputMapping = { fields: {} };

/** Reads an input mapping. */
export function readMapping(value: unknown, place: Place): InputMapping {
  if (value === undefined) return NOTHING;
  const mapping = readObject(value, place, { required: [], optional: ['fields', 'whole'] });
  if (mapping === null) return NOTHING;
  if (Object.hasOwn(mapping, 'fields') === Object.hasOwn(mapping, 'whole')) {
    note(place, 'malformed', 'Expected either "fields" or "whole", found both or neither.');
    return NOTHING;
  }
  if (Object.hasOwn(mapping, 'whole')) return { whole: readSource(mapping.whole, at(place, 'whole')) };
  return { fields: readRecord(mapping.fields, at(place, 'fields'), readSource) };
}

/** Reads one source. */
export function readSource(value: unknown, place: Place): InputSource {
  const source = readObject(value, place, { required: [], optional: ['pointer', 'optional', 'value'] });
  if (source === null) return { value: null };
  if (Object.hasOwn(source, 'value') && Object.keys(source).length === 1) {
    return { value: readJson(source.value, at(place, 'value')) };
  }
  if (!Object.hasOwn(source, 'pointer') || Object.hasOwn(source, 'value')) {
    note(place, 'malformed', 'Expected either a "pointer", which may be "optional", or a "value".');
    return { value: null };
  }
  const pointer = readPointerText(source.pointer, at(place, 'pointer'));
  if (source.optional === undefined) return { pointer };
  return { pointer, optional: readBoolean(source.optional, at(place, 'optional')) };
}

/** Reads a pointer into the document of a graph. */
export function readPointerText(value: unknown, place: Place): string {
  const [root, id] = (typeof value === 'string' ? parsePointer(value) : null) ?? [];
  if (root === 'task' || (root === 'nodes' && id !== undefined)) return String(value);
  const expected = 'Expected a JSON Pointer that begins with /task or with /nodes/ and a node id';
  note(place, 'pointer_malformed', `${expected}, found ${nameOf(value)}.`);
  return '/task';
}
