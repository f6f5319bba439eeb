import type { ToolTraits } from '../domain/tools/governed-tool.ts';
import type { OfferedTool, SourceState, ToolSourceReference } from '../domain/tools/tool-source.ts';
import { McpSource } from './mcp-source.ts';
import { ToolSourceUnavailable } from './source-errors.ts';
import type { SourceSettings } from './source-settings.ts';
import { type SourceTool, sourceTool } from './source-tool.ts';

/** What an agent has of its sources at this moment. */
export interface SourcedTools {
  readonly tools: readonly SourceTool[];
  /** The sources that cannot be reached. */
  readonly unavailable: readonly string[];
}

/** Hears what was found at a source: how it does, and all of its tools where it told them. */
export type TellSource = (found: {
  readonly state: SourceState;
  readonly tools: readonly OfferedTool[] | null;
}) => Promise<void>;

/** Of one source. Further ones are left out. */
const MOST_TOOLS = 500;

interface Known {
  readonly source: McpSource;
  readonly settings: SourceSettings;
  /** What was told last, so that only news is told. */
  told: string;
}

/** The sources of an installation, as one worker uses them. */
export class ToolSources {
  readonly #known: ReadonlyMap<string, Known>;
  readonly #tell: TellSource;

  constructor(settings: ReadonlyMap<string, SourceSettings>, tell: TellSource) {
    const known = [...settings].map(([name, each]) => {
      return [name, { source: new McpSource(name, each), settings: each, told: '' }] as const;
    });
    this.#known = new Map(known);
    this.#tell = tell;
  }

  /** The tools that an agent names. Sources that cannot be reached are named, and never waited for twice. */
  async toolsOf(references: readonly ToolSourceReference[]): Promise<SourcedTools> {
    const names = [...new Set(references.map(({ source }) => source))];
    const listed = await Promise.all(names.map((name) => this.#toolsOf(name)));
    const found = new Map(names.map((name, at) => [name, listed[at] ?? null]));
    const tools = references.flatMap(({ source, only }) => {
      const wanted = only?.map((name) => `${source}.${name}`);
      return (found.get(source) ?? []).filter(({ name }) => wanted?.includes(name) ?? true);
    });
    return { tools: ofOneName(tools), unavailable: names.filter((name) => found.get(name) === null) };
  }

  async close(): Promise<void> {
    await Promise.all([...this.#known.values()].map(({ source }) => source.close()));
  }

  /** Null where it cannot be reached. */
  async #toolsOf(name: string): Promise<readonly SourceTool[] | null> {
    const known = this.#known.get(name);
    if (known === undefined) return null;
    const { source, settings } = known;
    try {
      const listed = (await source.tools()).slice(0, MOST_TOOLS);
      const offered = listed.flatMap((tool) => sourceTool(source, tool, traitsOf(settings, tool.name)) ?? []);
      const tools = ofOneName(offered);
      this.#found(known, { name, state: 'ready', fault: null, protocol: source.protocol }, tools);
      return tools;
    } catch (error) {
      const fault = error instanceof ToolSourceUnavailable ? error.why : String(error);
      this.#found(known, { name, state: 'unavailable', fault, protocol: null }, null);
      return null;
    }
  }

  #found(known: Known, state: SourceState, tools: readonly SourceTool[] | null): void {
    const offered = tools?.map((tool) => offeredTool(tool, state.name)) ?? null;
    const told = JSON.stringify([state, offered]);
    if (told === known.told) return;
    known.told = told;
    this.#tell({ state, tools: offered }).catch(() => {
      known.told = '';
    });
  }
}

/** What the installation says of a tool. The name is the server's. */
function traitsOf({ tools }: SourceSettings, name: string): Partial<ToolTraits> {
  return (Object.hasOwn(tools, name) ? tools[name] : undefined) ?? {};
}

/** Of two tools of one name, which providers would refuse, the first. */
function ofOneName(tools: readonly SourceTool[]): readonly SourceTool[] {
  const names = tools.map(({ name }) => name);
  return tools.filter(({ name }, at) => names.indexOf(name) === at);
}

function offeredTool({ name, description, risk, effect, timeoutMs, digest }: SourceTool, source: string): OfferedTool {
  return { name, source, description, risk, effect, timeoutMs, digest };
}
