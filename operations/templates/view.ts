import type { AgentTemplate } from '../../entities/templates/agent-template.ts';
import type { ComponentTemplate } from '../../entities/templates/component-template.ts';
import { TemplateRepository } from '../../entities/templates/template-repository.ts';
import { text } from '../../options/fields.ts';
import { defineOperation } from '../define.ts';
import { TemplateUnknown } from './template-errors.ts';

const READ = { effect: 'read', risk: 'read_only', permission: 'graphs:read', unit: 'tenant' } as const;

export const listTemplates = defineOperation({
  ...READ,
  name: 'templates.list',
  summary: 'Lists the templates of graphs and of components.',
  input: {},
  async handle({ em, caller }) {
    const templates = new TemplateRepository(em);
    const [agents, components] = [await templates.agents(caller.tenant), await templates.components(caller.tenant)];
    return { agents: [...agents.values()].map(agentView), components: [...components.values()].map(componentView) };
  },
});

/** @throws TemplateUnknown */
export const showTemplate = defineOperation({
  ...READ,
  name: 'templates.show',
  summary: 'Shows a template: the document of a graph, or the schema and the defaults of a component.',
  input: { template: text() },
  async handle({ em, caller }, { template: name }: { readonly template: string }) {
    const templates = new TemplateRepository(em);
    const [agents, components] = [await templates.agents(caller.tenant), await templates.components(caller.tenant)];
    const [agent, component] = [agents.get(name), components.get(name)];
    if (agent !== undefined) return { of: 'agent' as const, ...agentView(agent), document: agent.document };
    if (component === undefined) throw new TemplateUnknown(name, [...agents.keys(), ...components.keys()]);
    const { configurationSchema: schema, defaultConfiguration: defaults } = component;
    return { of: 'component' as const, ...componentView(component), schema, defaults };
  },
});

function agentView({ name, revision, description, category, tags, uses }: AgentTemplate) {
  return { name, revision, description, category, tags, uses };
}

function componentView({ name, revision, description, componentType: kind }: ComponentTemplate) {
  return { name, revision, description, kind };
}
