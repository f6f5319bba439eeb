import { posix } from 'node:path';
import { lineAt } from './faults.ts';
import type { SourceFile } from './source-files.ts';

/** An exported name, and the file that says what it is. */
interface Exported {
  readonly name: string;
  readonly file: SourceFile;
}

const DECLARED = /^export (?:declare )?(?:async )?(?:abstract )?(?:function|class|interface|type|const) (\w+)/gm;
const PASSED_ON = /^export (?:type )?\{([^}]+)\} from '(\.[^']+)'/gm;
const ALL_PASSED_ON = /^export (?:type )?\* from '(\.[^']+)'/gm;

/** All that a public entry exports, each with the file that declares it. */
export function exportsOf(entry: SourceFile, fileAt: (path: string) => SourceFile): Exported[] {
  const { path, text } = entry;
  const at = (target: string) => fileAt(posix.join(posix.dirname(path), target));
  const own = [...text.matchAll(DECLARED)].map((match) => ({ name: match[1] ?? '', file: entry }));
  const passed = [...text.matchAll(PASSED_ON)].flatMap((match) => {
    const from = exportsOf(at(match[2] ?? ''), fileAt);
    return namesIn(match[1] ?? '').flatMap((name) => from.filter((one) => one.name === name));
  });
  const all = [...text.matchAll(ALL_PASSED_ON)].flatMap((match) => exportsOf(at(match[1] ?? ''), fileAt));
  return [...own, ...passed, ...all];
}

function namesIn(list: string): string[] {
  return list.split(',').flatMap(
    (item) =>
      item
        .replace(/^\s*type /, '')
        .trim()
        .split(/ as /)[0] || [],
  );
}

/** Exported things, and public methods of exported classes, without a doc comment right before them. */
export function undocumented(exported: readonly Exported[]): string[] {
  const faults = exported.flatMap(({ name, file }) => {
    const head = new RegExp(`^export .*\\b(?:function|class|interface|type|const) ${name}\\b`, 'm').exec(file.text);
    if (head === null) return [];
    const methods = head[0].includes('class ') ? undocumentedMethods(file, head.index) : [];
    return hasComment(file.text, head.index) ? methods : [...methods, fault(file, head.index, name)];
  });
  return [...new Set(faults)];
}

function undocumentedMethods(file: SourceFile, start: number): string[] {
  const end = file.text.indexOf('\n}\n', start);
  const body = file.text.slice(start, end);
  return [...body.matchAll(/^ {2}(?:async |static |get )*([a-z]\w*)(?:<.*>)?\(.*\{$/gm)]
    .filter((match) => match[1] !== 'constructor' && !hasComment(file.text, start + match.index))
    .map((match) => fault(file, start + match.index, match[1] ?? ''));
}

function hasComment(text: string, index: number): boolean {
  return text.slice(0, index).trimEnd().endsWith('*/');
}

function fault(file: SourceFile, index: number, name: string): string {
  return `${file.path}:${lineAt(file.text, index)} exports ${name} without a doc comment, and programs see it.`;
}
