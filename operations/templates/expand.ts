import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { WrittenGraph } from '../../domain/graphs/documents/parse-document.ts';
import type { GraphFault, GraphFaultCode } from '../../domain/graphs/graph-faults.ts';
import { parsePointer } from '../../domain/graphs/json-pointer.ts';
import { NODE_OPTIONS } from '../../domain/graphs/spec-faults.ts';
import type { TenantId } from '../../domain/ids.ts';
import { isJsonObject, type Json, type JsonObject } from '../../domain/json.ts';
import { nearestName } from '../../domain/nearest-name.ts';
import type { ComponentTemplate } from '../../entities/templates/component-template.ts';
import { TemplateRepository } from '../../entities/templates/template-repository.ts';
import { compileInputSchema } from '../graphs/input-schemas.ts';
import { merged } from './merged.ts';

/** Written graphs whose components are whole, and what keeps others from being so. */
export interface ExpandedGraphs {
  readonly graphs: readonly WrittenGraph[];
  readonly faults: readonly GraphFault[];
}

type Templates = ReadonlyMap<string, ComponentTemplate>;

/**
 * Makes the components whole that are written `from` a component template: its defaults with what is written over them, held
 * to its schema. They do not depend on it any more.
 */
export async function expandTemplates(
  em: SqlEntityManager,
  tenant: TenantId,
  graphs: readonly WrittenGraph[],
): Promise<ExpandedGraphs> {
  if (!graphs.some(({ value }) => JSON.stringify(value).includes('"from"'))) return { graphs, faults: [] };
  const templates = await new TemplateRepository(em).components(tenant);
  const faults: GraphFault[] = [];
  const expanded = graphs.map((graph) => {
    const note: Note = (code, path, message) => faults.push(graph.place({ code, path: '', message }, path));
    return { ...graph, value: expandGraph(graph.value, [], { templates, note }) };
  });
  return { graphs: expanded, faults };
}

type Note = (code: GraphFaultCode, path: readonly string[], message: string) => void;

interface Expanding {
  readonly templates: Templates;
  readonly note: Note;
}

function expandGraph(graph: JsonObject, path: readonly string[], expanding: Expanding): JsonObject {
  const { components } = graph;
  if (!isJsonObject(components)) return graph;
  const whole = Object.entries(components).map(([id, component]) => {
    return [id, expandComponent(component, [...path, 'components', id], expanding)] as const;
  });
  return { ...graph, components: Object.fromEntries(whole) };
}

function expandComponent(component: Json, path: readonly string[], expanding: Expanding): Json {
  if (!isJsonObject(component)) return component;
  const { from, ...written } = component;
  const own = from === undefined ? written : configured(from, written, path, expanding);
  const inner = Object.entries(own).map(([name, value]) => {
    const isGraph = isJsonObject(value) && isJsonObject(value.components ?? null);
    return [name, isGraph ? expandGraph(value, [...path, name], expanding) : value] as const;
  });
  return Object.fromEntries(inner);
}

function configured(
  from: Json,
  written: JsonObject,
  path: readonly string[],
  { templates, note }: Expanding,
): JsonObject {
  const template = typeof from === 'string' ? templates.get(from) : undefined;
  if (template === undefined) {
    const nearest = nearestName(String(from), [...templates.keys()]);
    const hint = nearest === null ? '' : ` Did you mean "${nearest}"?`;
    note('template_unknown', [...path, 'from'], `There is no component template ${JSON.stringify(from)}.${hint}`);
    return written;
  }
  const whole = merged(template.defaultConfiguration, written);
  for (const { path: within, message } of configurationFaults(template, whole)) {
    note(
      'configuration_invalid',
      [...path, ...within],
      `It does not fit the template "${template.name}": it ${message}.`,
    );
  }
  return whole;
}

/** What of a configuration does not fit its template's schema, each with its place. */
function configurationFaults(
  { name, configurationSchema }: Pick<ComponentTemplate, 'name' | 'configurationSchema'>,
  component: JsonObject,
): readonly { readonly path: readonly string[]; readonly message: string }[] {
  const own = Object.entries(component).filter(([property]) => !NOT_CONFIGURED.includes(property));
  const errors = compileInputSchema({ graph: name, schema: configurationSchema })(Object.fromEntries(own)) ?? [];
  return errors.map(({ instancePath, message = 'is not allowed' }) => ({
    path: parsePointer(instancePath) ?? [],
    message,
  }));
}

/** What a component has besides its configuration: where it stands in its graph. */
const NOT_CONFIGURED: readonly string[] = [...NODE_OPTIONS, 'input'];
