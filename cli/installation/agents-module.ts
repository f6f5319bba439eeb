import { stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { isSchema } from '../../domain/agents/define-handler.ts';
import type { Handler } from '../../domain/agents/handler.ts';
import { errorClause } from '../../domain/errors.ts';
import type { Graph } from '../../domain/graphs/defined-graph.ts';
import { AgentsModuleInvalid } from '../cli-errors.ts';
import { providePackage } from '../package.ts';

/** The part of a user's module that a worker can host. */
export interface HostedCode {
  readonly agents: readonly Handler[];
  readonly tools: readonly Handler[];
  readonly graphs: readonly Graph[];
}

/**
 * Imports a module and collects every agent, tool and graph that it exports: by name, in lists, or in a default export
 * `{ agents, tools, graphs }`. The path is relative to `workingDirectory`.
 *
 * @throws AgentsModuleInvalid when the module is missing, fails, or exports none of these
 */
export async function loadAgentsModule(file: string, workingDirectory: string): Promise<HostedCode> {
  const hosted = collectExports(await importModule(file, workingDirectory));
  if (hosted.agents.length + hosted.tools.length + hosted.graphs.length === 0) {
    const remedy = 'Export what defineAgent, defineTool or defineGraph returns.';
    throw new AgentsModuleInvalid(file, `it exports no agent, tool or graph. ${remedy}`);
  }
  return hosted;
}

async function refuseWhatIsNoFile(file: string, path: string): Promise<void> {
  const information = await stat(path).catch((error: unknown) => {
    throw new AgentsModuleInvalid(file, 'there is no such file. Check the path.', error);
  });
  if (information.isDirectory()) throw new AgentsModuleInvalid(file, 'it is a folder. Name one file in it.');
}

/** The path is relative to `workingDirectory`. @throws AgentsModuleInvalid when the module is missing or fails */
export async function importModule(file: string, workingDirectory: string): Promise<object> {
  const path = resolve(workingDirectory, file);
  await refuseWhatIsNoFile(file, path);
  try {
    providePackage();
    const exports: object = await import(pathToFileURL(path).href);
    return exports;
  } catch (error) {
    throw new AgentsModuleInvalid(file, `importing it failed: ${errorClause(error)}. Correct the module.`, error);
  }
}

/** Collects what a module exports, each thing once, in the order of the exports. */
export function collectExports(exports: object): HostedCode {
  const found = new Set<Handler | Graph>();
  for (const value of Object.values(exports)) collect(value, found);
  const all = [...found];
  const handlers = all.filter((value) => isHandler(value));
  return {
    agents: handlers.filter(({ kind }) => kind === 'agent'),
    tools: handlers.filter(({ kind }) => kind === 'tool'),
    graphs: all.filter((value) => isGraph(value)),
  };
}

/** The groups that an exported object may have. */
const GROUPS = ['agents', 'tools', 'graphs'] as const;

function collect(value: unknown, found: Set<Handler | Graph>): void {
  if (isHandler(value) || isGraph(value)) found.add(value);
  else if (Array.isArray(value)) for (const entry of value) collect(entry, found);
  else if (typeof value === 'object' && value !== null) collectGroups(value, found);
}

function collectGroups(value: object, found: Set<Handler | Graph>): void {
  const groups: Partial<Record<(typeof GROUPS)[number], unknown>> = value;
  for (const name of GROUPS) {
    const group = groups[name];
    if (Array.isArray(group)) collect(group, found);
  }
}

function isHandler(value: unknown): value is Handler {
  if (typeof value !== 'object' || value === null) return false;
  const { kind, name, handle, input, output }: Partial<Record<keyof Handler, unknown>> = value;
  const known = kind === 'agent' || kind === 'tool';
  return known && typeof name === 'string' && typeof handle === 'function' && isSchema(input) && isSchema(output);
}

function isGraph(value: unknown): value is Graph {
  if (typeof value !== 'object' || value === null) return false;
  const { definition, handlers }: Partial<Record<keyof Graph, unknown>> = value;
  return typeof definition === 'object' && definition !== null && 'nodes' in definition && Array.isArray(handlers);
}

/** Several modules as one. The same thing exported by two of them is one thing. */
export function mergeHosted(modules: readonly HostedCode[]): HostedCode {
  return {
    agents: [...new Set(modules.flatMap(({ agents }) => agents))],
    tools: [...new Set(modules.flatMap(({ tools }) => tools))],
    graphs: [...new Set(modules.flatMap(({ graphs }) => graphs))],
  };
}
