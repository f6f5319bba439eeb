import { isJsonObject } from '../../domain/json.ts';
import { FileInvalid } from './import-errors.ts';
import {
  chained,
  FORMAT,
  FORMAT_VERSION,
  LINES,
  type Line,
  type LineChain,
  type LineKind,
  MAX_LINE_LENGTH,
  NO_LINES,
} from './trace-file.ts';

/** The lines of a file, without their ends. They can be read again from the beginning. */
export type FileLines = AsyncIterable<string> | readonly string[];

/**
 * Reads a file line by line, and hands each over once it is known to be one. @returns the digest of the whole
 * @throws FileInvalid with the number of the line, also for a file that was cut off or changed
 */
export async function readFile(
  lines: FileLines,
  take: (line: Exclude<Line, { is: 'end' }>, number: number) => void | Promise<void>,
): Promise<string> {
  let [chain, ended]: [LineChain, boolean] = [NO_LINES, false];
  for await (const text of lines) {
    const number = chain.lines + 1;
    if (ended) throw new FileInvalid(number + 1, 'something follows its end');
    const line = readLine(text, number);
    if (line.is === 'end') {
      if (line.lines !== chain.lines || line.digest !== chain.digest) {
        throw new FileInvalid(number, 'its digest is not that of the lines before it: the file was changed');
      }
      ended = true;
      continue;
    }
    chain = chained(chain, text);
    await take(line, number);
  }
  if (!ended) throw new FileInvalid(chain.lines + 1, 'its end is missing: the file was cut off');
  return chain.digest;
}

function readLine(text: string, number: number): Line {
  if (text.length > MAX_LINE_LENGTH) throw new FileInvalid(number, `it is longer than ${MAX_LINE_LENGTH} characters`);
  const value = jsonIn(text);
  if (!isJsonObject(value)) throw new FileInvalid(number, 'it is not a JSON object');
  if (number === 1) requireFormat(value);
  const { is } = value;
  if (typeof is !== 'string' || !Object.hasOwn(LINES, is)) throw new FileInvalid(number, 'it says not what it is');
  const read = LINES[is as LineKind].safeParse(value);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  throw new FileInvalid(number, `\`${issue?.path.join('.') || is}\` cannot be used: ${issue?.message}`);
}

/** Said before the fields of a later version are. */
function requireFormat({ format, version }: { readonly format?: unknown; readonly version?: unknown }): void {
  if (format !== FORMAT) throw new FileInvalid(1, `it is not the head of a file that \`muster export\` wrote`);
  if (version === FORMAT_VERSION) return;
  const found = JSON.stringify(version) ?? 'nothing';
  throw new FileInvalid(1, `it has the version ${found.slice(0, 40)}, and this release reads ${FORMAT_VERSION}`);
}

function jsonIn(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
