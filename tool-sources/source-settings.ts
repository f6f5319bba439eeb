import { z } from 'zod';
import { type ToolTraits, traitFaults } from '../domain/tools/governed-tool.ts';
import { SOURCE_NAME, SOURCE_TOOL_NAME } from '../domain/tools/tool-source.ts';
import { text, textLike } from '../options/fields.ts';
import { ToolSettingsInvalid } from './source-errors.ts';

/** Where an MCP server is: a program that is started, or an address. Keys are resolved. */
export type SourceSettings = {
  /** What the installation says of its tools, by their names at the source. What is left out is as `defineTool` has it. */
  readonly tools: Readonly<Record<string, Partial<ToolTraits>>>;
} & (
  | {
      readonly command: string;
      readonly args: readonly string[];
      readonly cwd: string | null;
      /** Besides what every program needs, such as PATH and HOME: nothing else of the worker's environment is handed on. */
      readonly env: Readonly<Record<string, string>>;
    }
  | { readonly url: string; readonly headers: Readonly<Record<string, string>> }
);

const MAX_ITEMS = 100;
const ENV_NAME = /^[A-Za-z_][A-Za-z0-9_]{0,127}$/;
/** Set by the client, or the place of a key. */
const OWN_HEADERS: ReadonlySet<string> = new Set(['authorization', 'content-type', 'content-length', 'host', 'accept']);

const isHeader = (name: string) => /^[A-Za-z0-9-]{1,64}$/.test(name) && !OWN_HEADERS.has(name.toLowerCase());
const isAddress = (value: string) => /^https?:\/\/[^\s/?#@]+(?:\/[^\s#]*)?$/i.test(value) && URL.canParse(value);
const isLine = (value: string) => /^[\x20-\x7e]{0,2000}$/.test(value);

const named = <Value>(name: z.ZodType<string>, value: z.ZodType<Value>) =>
  z.record(name, value, { error: 'an object of names' });
const traits = z.custom<Partial<ToolTraits>>((value) => traitsFault(value) === null, {
  error: ({ input }) => `traits of a tool (${traitsFault(input)})`,
});
const tools = named(
  textLike('a name of a tool', (name) => SOURCE_TOOL_NAME.test(name)),
  traits,
).default({});

const program = z.strictObject({
  command: text({ max: 2_000 }),
  args: z
    .array(text({ max: 10_000, min: 0 }), { error: 'a list of texts' })
    .max(MAX_ITEMS)
    .default([]),
  cwd: text({ max: 2_000 }).optional(),
  env: named(
    textLike('a name of a variable', (name) => ENV_NAME.test(name)),
    text({ max: 10_000, min: 0 }),
  ).default({}),
  tools,
});
const address = z.strictObject({
  url: textLike('an http or https URL without user and fragment', isAddress),
  headers: named(
    textLike(`a header, and none of ${[...OWN_HEADERS].join(', ')}`, isHeader),
    textLike('one line of printable characters', isLine),
  ).default({}),
  key: textLike('`env:NAME`; a key itself has no place in the file', (value) => referenceIn(value) !== null).optional(),
  tools,
});

/**
 * Reads the sources of tools of an installation: the JSON file that `MUSTER_TOOL_SOURCES` names.
 * @param variables where `env:NAME` is looked up
 * @throws ToolSettingsInvalid naming every fault at once, fields that do not exist and variables that are not set included
 */
export function parseSourceSettings(
  value: unknown,
  { file, variables }: { readonly file: string; readonly variables: Readonly<Record<string, string>> },
): ReadonlyMap<string, SourceSettings> {
  const faults: string[] = [];
  const top = z.strictObject({ sources: z.record(z.string(), z.unknown(), { error: 'an object of names' }) });
  const read = top.safeParse(value);
  if (!read.success) throw new ToolSettingsInvalid(file, read.error.issues.map(faultOf('the file')));
  const sources = Object.entries(read.data.sources).flatMap(([name, given]) => {
    const at = `sources.${name}`;
    if (!SOURCE_NAME.test(name)) faults.push(`${at} must have a name like ${SOURCE_NAME.source}`);
    const settings = readSource(given, { at, variables, faults });
    return settings === null ? [] : [[name, settings] as const];
  });
  if (faults.length > 0) throw new ToolSettingsInvalid(file, faults);
  return new Map(sources);
}

interface Reading {
  readonly at: string;
  readonly variables: Readonly<Record<string, string>>;
  readonly faults: string[];
}

function readSource(given: unknown, { at, variables, faults }: Reading): SourceSettings | null {
  const isProgram = typeof given === 'object' && given !== null && 'command' in given;
  const parsed = isProgram ? program.safeParse(given) : address.safeParse(given);
  if (!parsed.success) {
    faults.push(...parsed.error.issues.map(faultOf(at)));
    return null;
  }
  /** The value of a variable, where a text names one. */
  const resolved = (reference: string, place: string): string => {
    const name = referenceIn(reference);
    if (name === null) return reference;
    const found = variables[name]?.trim() ?? '';
    if (found === '') faults.push(`${at}.${place} names the variable ${name}, which is not set`);
    if (!isLine(found))
      faults.push(`${at}.${place}: the variable ${name} has more than one line of printable characters`);
    return found;
  };
  if ('command' in parsed.data) {
    const { cwd = null, ...settings } = parsed.data;
    const env = Object.entries(settings.env).map(([name, text]) => [name, resolved(text, `env.${name}`)]);
    return { ...settings, cwd, env: Object.fromEntries(env) };
  }
  const { key, headers, ...settings } = parsed.data;
  return { ...settings, headers: { ...headers, ...(key && { authorization: `Bearer ${resolved(key, 'key')}` }) } };
}

function referenceIn(value: string): string | null {
  const name = value.startsWith('env:') ? value.slice('env:'.length) : '';
  return ENV_NAME.test(name) ? name : null;
}

function traitsFault(value: unknown): string | null {
  if (typeof value !== 'object' || value === null) return 'an object of risk, effect and timeoutMs';
  const { risk, effect, timeoutMs, ...others } = value as Readonly<Record<string, unknown>>;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) return `there is no "${unknown}"; there are risk, effect, timeoutMs`;
  return traitFaults({ risk, effect, timeoutMs })[0] ?? null;
}

/** What a value must be, and never the value itself: it may be a key. */
function faultOf(at: string): (issue: z.core.$ZodIssue) => string {
  return (issue) => {
    const place = [at, ...issue.path].join('.');
    if (issue.code === 'unrecognized_keys') return `${place} has the unknown field ${issue.keys.join(', ')}`;
    if (issue.code === 'invalid_key') return `${place} must be ${issue.issues[0]?.message ?? 'another name'}`;
    return `${place} must be ${issue.message}`;
  };
}
