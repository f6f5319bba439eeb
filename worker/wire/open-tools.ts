import { readFile } from 'node:fs/promises';
import type { Log } from '../../activities/dependencies.ts';
import { type Config, type Environment, setVariables } from '../../config.ts';
import type { Database } from '../../database/transaction.ts';
import { errorMessage } from '../../domain/errors.ts';
import { isBound } from '../../domain/graphs/connections.ts';
import { allNodes, needOf } from '../../domain/graphs/kinds/kind-table.ts';
import { storableText } from '../../domain/json.ts';
import { toolTraits } from '../../domain/tools/governed-tool.ts';
import type { OfferedTool, ToolSourceReference } from '../../domain/tools/tool-source.ts';
import { trimText } from '../../domain/trim-text.ts';
import { OPERATIONS } from '../../operations/register.ts';
import { offerTools, tellSource } from '../../operations/tools/offer.ts';
import { ToolSettingsInvalid } from '../../tool-sources/source-errors.ts';
import { parseSourceSettings, type SourceSettings } from '../../tool-sources/source-settings.ts';
import type { ToolSources } from '../../tool-sources/tool-sources.ts';
import type { Closers } from './closers.ts';
import type { Hosted } from './collect-hosted.ts';

interface ToolParts {
  readonly config: Pick<Config, 'toolSourcesFile'>;
  readonly database: Database;
  readonly hosted: Hosted;
  readonly log: Log;
  /** Names this start of the worker. */
  readonly workerId: string;
  readonly environment?: Environment;
}

/**
 * Says which tools this worker offers, and opens the sources of those that are not its own code; null, and nothing of it
 * loaded, where none of its agents names a source.
 * @throws ToolSettingsInvalid
 */
export async function openTools(parts: ToolParts, closers: Closers): Promise<ToolSources | null> {
  const { database, hosted } = parts;
  const settings = await readSourceSettings(parts);
  await offerTools(database, ownTools(hosted));
  const references = sourcesOf(hosted);
  if (references.length === 0) return null;
  const { ToolSources } = await import('../../tool-sources/tool-sources.ts');
  const sources = new ToolSources(settings, (found) => tell(parts, found));
  closers.add('the tool sources', sources, (open) => open.close());
  // So that people can look at the tools, and grant them, before the first task needs one.
  void sources.toolsOf(references);
  return sources;
}

/** @throws ToolSettingsInvalid for a file that cannot be used, or that lacks a source which an agent of this worker names */
async function readSourceSettings({ config, hosted, environment }: ToolParts) {
  const file = config.toolSourcesFile;
  const variables = setVariables(environment);
  const settings: ReadonlyMap<string, SourceSettings> =
    file === null ? new Map() : parseSourceSettings(await readJson(file), { file, variables });
  const named = new Set(sourcesOf(hosted).map(({ source }) => source));
  const domains = new Set(OPERATIONS.map(({ name }) => name.split('.')[0]));
  const faults = [
    ...[...named].filter((name) => !settings.has(name)).map((name) => `an agent names "${name}", which is not there`),
    ...[...settings.keys()].filter((name) => domains.has(name)).map((name) => `operations are called "${name}.…"`),
  ];
  if (faults.length > 0) throw new ToolSettingsInvalid(file ?? 'MUSTER_TOOL_SOURCES', faults);
  return settings;
}

async function readJson(file: string): Promise<unknown> {
  try {
    return JSON.parse(await readFile(file, 'utf8'));
  } catch (error) {
    throw new ToolSettingsInvalid(file, [errorMessage(error)]);
  }
}

function sourcesOf({ handlers }: Hosted): readonly ToolSourceReference[] {
  return [...handlers.values()].flatMap(({ thinking }) => thinking?.sources ?? []);
}

/** What agents may ask for of the code of this worker. */
function ownTools({ handlers, graphs }: Hosted): readonly OfferedTool[] {
  const nodes = [...graphs.values()].flatMap(({ definition }) => allNodes(definition));
  const named = nodes.flatMap((node) => (node.kind === 'llm' ? node.llm.operations : []));
  const needs = [...named.map((name) => `tool:${name}`), ...nodes.filter(isBound).map((node) => needOf(node) ?? '')];
  const thinking = [...handlers.values()].flatMap(({ thinking }) => thinking?.tools ?? []);
  const tools = [...thinking, ...needs.flatMap((need) => handlers.get(need) ?? [])];
  return [...new Set(tools)].map(({ name, description, ...traits }) => {
    return { name, source: null, description, ...toolTraits(traits), digest: null };
  });
}

/** Of what a server said. */
const MOST_FAULT = 500;

/** Only a hint for people, and the digest of what they grant: a worker works without it. */
async function tell({ database, workerId, log }: ToolParts, found: Parameters<typeof tellSource>[2]): Promise<void> {
  const { name, fault } = found.state;
  const kept = fault === null ? null : trimText(storableText(fault), MOST_FAULT);
  if (kept !== null) log.warn({ source: name, fault: kept }, 'tool source unavailable; agents run without its tools');
  await tellSource(database, workerId, { ...found, state: { ...found.state, fault: kept } });
}
