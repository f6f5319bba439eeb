import type { NodeSpec, NodeSpecs } from '../graph-spec.ts';
import { CONNECTION_TYPES, type ConnectionType, OUTCOMES } from '../kinds.ts';
import { at, note, type Place, readList, readObject, readText, readWord } from '../read-unknown.ts';

/** A connection as a document says it. */
interface Connection {
  readonly from: string;
  readonly when: unknown;
}

/** What a connection adds to the component that it leads to. */
const ADDS: Readonly<Record<ConnectionType, (spec: NodeSpec, connection: Connection) => object>> = {
  default: ({ after = [] }, { from }) => ({ after: [...after, from] }),
  condition: ({ when = {} }, { from, when: outcome }) => ({ when: { ...when, [from]: outcome } }),
  fallback: ({ fallbackOf = [] }, { from }) => ({ fallbackOf: [...fallbackOf, from] }),
  guard: ({ guardedBy = [] }, { from }) => ({ guardedBy: [...guardedBy, from] }),
  tool: ({ llm }, { from }) => ({ llm: { ...llm, tools: [...(llm?.tools ?? []), from] } }),
};

/** Adds the connections of a document to its components. Notes each that leads out of its graph. */
export function connect(components: NodeSpecs, value: unknown, place: Place): NodeSpecs {
  const specs: Record<string, NodeSpec> = { ...components };
  readList(value, place, (item, where) => {
    const connection = readObject(item, where, { required: ['from', 'to'], optional: ['type', 'when'] });
    if (connection === null) return null;
    const end = (name: 'from' | 'to') => {
      const id = readText(connection[name], at(where, name));
      if (Object.hasOwn(specs, id)) return id;
      note(
        at(where, name),
        'dependency_unknown',
        `The graph has no component "${id}"; a connection stays within its graph.`,
      );
      return null;
    };
    const type = readWord(connection.type ?? 'default', at(where, 'type'), CONNECTION_TYPES);
    const [from, to] = [end('from'), end('to')];
    const when = type === 'condition' ? readWord(String(connection.when), at(where, 'when'), OUTCOMES) : undefined;
    const spec = to === null ? undefined : specs[to];
    if (from !== null && to !== null && spec !== undefined) {
      specs[to] = { ...spec, ...ADDS[type](spec, { from, when }) };
    }
    return null;
  });
  return specs;
}
