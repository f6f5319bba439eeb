import { isJsonObject } from '../../json.ts';
import type { Graph } from '../defined-graph.ts';
import type { NodeSpec } from '../graph-spec.ts';
import { nameOf, note, type Place, readJson, readList, readRecord, readText } from '../read-unknown.ts';

/** What a document does not say of an agent or a tool, and its node needs to know. */
export interface HandlerFacts {
  readonly quick: boolean;
  readonly thinks: boolean;
}

/** What is known of the agents and tools that a document names. */
export type KnownHandlers = (kind: 'agent' | 'tool', name: string) => HandlerFacts;

/** What a component may name besides the components of its graph. */
export interface ComponentReading {
  readonly handlers: KnownHandlers;
  /** Reads the graph of a container; null, with its faults noted, for one that cannot be made. */
  readonly inner: (value: unknown, place: Place) => Graph | null;
}

/** Reads a property; undefined where it has not the shape that the builder of its kind needs, with the fault noted. */
type Read = (value: unknown, place: Place, reading: ComponentReading) => unknown;

const names: Read = (value, place) => readList(value, place, readText);

/**
 * The properties whose shape the builders rely on. All others are read after they were built, by the rules of their kind.
 */
const SHAPES: Readonly<Record<string, Read>> = {
  after: names,
  afterAny: names,
  guardedBy: names,
  fallbackOf: names,
  // YAML reads an outcome without quotes as true or false.
  when: (value, place) =>
    readRecord(value, place, (outcome) => (typeof outcome === 'boolean' ? String(outcome) : outcome)),
  input: (value, place) => {
    if (typeof value === 'string' || isJsonObject(value)) return value;
    note(place, 'malformed', `Expected a pointer or sources by name, found ${nameOf(value)}.`);
  },
  budget: (value, place) => readRecord(value, place, readJson),
  agent: handler('agent'),
  tool: handler('tool'),
  graph: innerGraph,
  each: innerGraph,
  repeat: innerGraph,
  child: readText,
};

/** Reads a component as `defineGraph` takes a node. */
export function readComponent(value: unknown, place: Place, reading: ComponentReading): NodeSpec {
  const properties = readRecord(value, place, (property, where) => {
    if (property === null) note(where, 'malformed', 'Expected a value, found null.');
    const name = String(where.path.at(-1));
    const shape = Object.hasOwn(SHAPES, name) ? SHAPES[name] : undefined;
    return shape === undefined ? readJson(property, where) : shape(property, where, reading);
  });
  // Each property has the shape that it needs to be built; the rules of its kind read the rest.
  return properties as NodeSpec;
}

/** The name of an agent or a tool, as the reference that `defineGraph` takes. */
function handler(kind: 'agent' | 'tool'): Read {
  return (value, place, { handlers }) => {
    const name = readText(value, place);
    const { quick, thinks } = handlers(kind, name);
    return { kind, name, description: '', quick, ...(thinks ? { thinking: {} } : {}) };
  };
}

function innerGraph(value: unknown, place: Place, { inner }: ComponentReading): unknown {
  return inner(value, place) ?? undefined;
}
