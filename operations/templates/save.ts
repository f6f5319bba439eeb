import { parseDocument, type WrittenGraph } from '../../domain/graphs/documents/parse-document.ts';
import { type GraphFault, GraphInvalid } from '../../domain/graphs/graph-faults.ts';
import { parsePointer } from '../../domain/graphs/json-pointer.ts';
import { NODE_KINDS } from '../../domain/graphs/kinds.ts';
import { NAME_PATTERN } from '../../domain/graphs/names.ts';
import {
  at,
  nameOf,
  note,
  type Place,
  readJson,
  readList,
  readObject,
  readRecord,
  readText,
  readWord,
} from '../../domain/graphs/read-unknown.ts';
import type { TenantId } from '../../domain/ids.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { TemplateRepository } from '../../entities/templates/template-repository.ts';
import type { CallInUnit } from '../define.ts';
import { defineOperation } from '../define.ts';
import { compileGraphs } from '../graphs/compile-document.ts';
import { documentText } from '../graphs/graph-fields.ts';
import { inputSchemaFaultsOf } from '../graphs/input-schemas.ts';

/** A template as it was saved. */
export interface SavedTemplate {
  readonly name: string;
  /** `component`: the configuration of one. `agent`: a whole graph. */
  readonly of: 'component' | 'agent';
  readonly revision: number;
}

/** @throws GraphInvalid */
export const saveTemplates = defineOperation({
  name: 'templates.save',
  summary:
    'Saves the templates of a document: whole graphs, and configurations of components. What was made from them stays.',
  effect: 'write',
  risk: 'high_risk',
  permission: 'graphs:publish',
  unit: 'tenant',
  input: { document: documentText },
  async handle({ em, caller }, { document }: { readonly document: string }) {
    return { templates: await saveDocument(em, caller.tenant, document) };
  },
  audit: ({ templates }) => {
    const details = { templates: templates.map(({ name, revision }) => ({ name, revision })) };
    return { action: 'templates.saved', subjectType: 'template', subjectId: templates[0]?.name ?? '', details };
  },
});

/** Saves the templates of a document, or none. @throws GraphInvalid */
export async function saveDocument(
  em: CallInUnit['em'],
  tenant: TenantId,
  document: string,
): Promise<readonly SavedTemplate[]> {
  const parsed = parseDocument(document);
  if (!parsed.ok) throw new GraphInvalid(null, parsed.faults);
  await new TaskRepository(em).ensureTenant(tenant);
  const saved: SavedTemplate[] = [];
  // The configurations first: the graphs may be made from them.
  const components = parsed.graphs.filter(isComponent);
  for (const written of [...components, ...parsed.graphs.filter((graph) => !isComponent(graph))]) {
    saved.push(isComponent(written) ? await saveComponent(em, tenant, written) : await saveAgent(em, tenant, written));
  }
  return saved;
}

/** A component template says its kind, where a graph says its components. */
function isComponent({ value }: WrittenGraph): boolean {
  return Object.hasOwn(value, 'kind');
}

async function saveComponent(em: CallInUnit['em'], tenant: TenantId, written: WrittenGraph): Promise<SavedTemplate> {
  const faults: GraphFault[] = [];
  const place = { path: [], faults };
  const known = { required: ['name', 'kind'], optional: ['description', 'schema', 'defaults'] };
  const given = readObject(written.value, place, known) ?? {};
  const name = readTemplateName(given.name, at(place, 'name'));
  const template = {
    name,
    description: readText(given.description ?? '', at(place, 'description')),
    componentType: readWord(given.kind, at(place, 'kind'), NODE_KINDS),
    configurationSchema: readRecord(given.schema ?? {}, at(place, 'schema'), readJson),
    defaultConfiguration: readRecord(given.defaults ?? {}, at(place, 'defaults'), readJson),
  };
  const unusable = inputSchemaFaultsOf({ graph: name, schema: template.configurationSchema });
  faults.push(...unusable.map((fault) => ({ ...fault, path: fault.path.replace('/inputSchema', '/schema') })));
  refuse(written, faults);
  return { name, of: 'component', revision: await new TemplateRepository(em).saveComponent(tenant, template) };
}

async function saveAgent(em: CallInUnit['em'], tenant: TenantId, written: WrittenGraph): Promise<SavedTemplate> {
  const faults: GraphFault[] = [];
  const place = { path: [], faults };
  const { category = '', tags = [], ...document } = written.value;
  const template = {
    name: readTemplateName(document.name, at(place, 'name')),
    description: typeof document.description === 'string' ? document.description : '',
    category: readText(category, at(place, 'category')),
    tags: readList(tags, at(place, 'tags'), readText),
    document,
  };
  refuse(written, faults);
  await compileGraphs(em, tenant, [{ ...written, value: document }]);
  return { name: template.name, of: 'agent', revision: await new TemplateRepository(em).saveAgent(tenant, template) };
}

function readTemplateName(value: unknown, place: Place): string {
  const name = readText(value, place);
  if (!NAME_PATTERN.test(name))
    note(place, 'name_invalid', `Expected a name like ${NAME_PATTERN.source}, found ${nameOf(value)}.`);
  return name;
}

/** @throws GraphInvalid */
function refuse({ place }: WrittenGraph, faults: readonly GraphFault[]): void {
  if (faults.length === 0) return;
  throw new GraphInvalid(
    null,
    faults.map((fault) => place(fault, parsePointer(fault.path) ?? [])),
  );
}
