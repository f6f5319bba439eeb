import type { RiskClass } from '../agents/risk.ts';
import type { EffectClass } from './governed-tool.ts';

/** Tools of a source of the installation, among the tools of an agent: made by `mcp`. */
export interface ToolSourceReference {
  readonly kind: 'tool-source';
  readonly source: string;
  /** Those that the agent may ask for, by their names at the source; null for all that it has. */
  readonly only: readonly string[] | null;
}

/** The name of a source. Its tools are called `<source>.<tool>`. */
export const SOURCE_NAME = /^[a-z][a-z0-9-]{0,31}$/;

/** The name of a tool at its source. Others are left out: a name is all that policies and grants know a tool by. */
export const SOURCE_TOOL_NAME = /^[A-Za-z0-9_./-]{1,96}$/;

/** A tool that workers offer to agents. */
export interface OfferedTool {
  readonly name: string;
  /** Where it comes from; null for code of the worker. */
  readonly source: string | null;
  readonly description: string;
  readonly risk: RiskClass;
  readonly effect: EffectClass;
  readonly timeoutMs: number;
  /** The SHA-256 of name, description and schema of a tool that can change while workers run; null for code. */
  readonly digest: string | null;
}

/** How a source did when a worker last used it. */
export interface SourceState {
  readonly name: string;
  readonly state: 'ready' | 'unavailable';
  /** Why it is unavailable, a sentence for operators; null where it is not. */
  readonly fault: string | null;
  /** The revision of the protocol that was agreed on; null before the first connection. */
  readonly protocol: string | null;
}
