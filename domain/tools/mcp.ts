import { HandlerDefinitionInvalid } from '../agents/define-handler.ts';
import { nameOf } from '../graphs/read-unknown.ts';
import { SOURCE_NAME, SOURCE_TOOL_NAME, type ToolSourceReference } from './tool-source.ts';

/**
 * Tools of an MCP server, among the `tools` of a thinking agent: `mcp('crm')` for all that it has, `mcp('crm', ['find'])`
 * for some. The worker's settings (`MUSTER_TOOL_SOURCES`) say where the server is. A tool is called `crm.find`; it is
 * `high_risk`, whatever the server says, unless the settings say otherwise.
 *
 * @throws HandlerDefinitionInvalid for a name that no source or tool can have
 */
export function mcp(source: string, only?: readonly string[]): ToolSourceReference {
  const faults: string[] = [];
  if (!isLike(SOURCE_NAME, source)) {
    faults.push(`Expected the name of a source like ${SOURCE_NAME.source}, found ${nameOf(source)}.`);
  }
  const isList = only === undefined || (Array.isArray(only) && only.every((name) => isLike(SOURCE_TOOL_NAME, name)));
  if (!isList) faults.push('Expected a list of names of its tools.');
  if (faults.length > 0) throw new HandlerDefinitionInvalid('tool', nameOf(source), faults);
  return Object.freeze({ kind: 'tool-source', source, only: only === undefined ? null : Object.freeze([...only]) });
}

function isLike(pattern: RegExp, value: unknown): boolean {
  return typeof value === 'string' && pattern.test(value);
}
