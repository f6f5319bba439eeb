import { posix } from 'node:path';
import type { SourceFile } from './source-files.ts';

/** One import of one file. */
export interface Import {
  readonly from: string;
  readonly line: number;
  /** A path from the root for a file of the project, the specifier itself for anything else. */
  readonly target: string;
  readonly isOurs: boolean;
  /** True where nothing of it is there at run time. */
  readonly typeOnly: boolean;
  /** What it takes from the target, by the names there; `*` for all of it. */
  readonly names: readonly string[];
}

/** At the start of a line, where the formatter puts every import; up to the first `from`, which may be lines away. */
const STATIC = /^(?:import|export)\b(?!\()(?<clause>[^;'"]*?)\bfrom\s*(?<quote>['"])(?<target>[^'"\n]+)\k<quote>/gm;
const BARE = /^import\s*(?<quote>['"])(?<target>[^'"\n]+)\k<quote>/gm;
const DYNAMIC = /\bimport\(\s*(?<quote>['"])(?<target>[^'"\n]+)\k<quote>/g;

/** Every import of a file: static, re-export, for its effect, and dynamic or in a type where the name is literal. */
export function importsOf({ path, text }: SourceFile): readonly Import[] {
  const code = withoutComments(text);
  const found = [...code.matchAll(STATIC), ...code.matchAll(BARE), ...code.matchAll(DYNAMIC)];
  return found
    .map((match) => {
      const { clause = '', target = '' } = match.groups ?? {};
      const resolved = resolveTarget(path, target);
      const line = text.slice(0, match.index).split('\n').length;
      return {
        from: path,
        line,
        target: resolved,
        isOurs: resolved !== target,
        typeOnly: isTypeOnly(clause),
        names: namesIn(clause),
      };
    })
    .toSorted((one, other) => one.line - other.line);
}

/** Comments become blanks of the same length, so that the places in the text stay. */
function withoutComments(text: string): string {
  const blank = (comment: string) => comment.replace(/[^\n]/g, ' ');
  return text.replace(/^[ \t]*\/\*[\s\S]*?\*\//gm, blank).replace(/^[ \t]*\/\/.*$/gm, blank);
}

function resolveTarget(from: string, target: string): string {
  return target.startsWith('.') ? posix.normalize(posix.join(posix.dirname(from), target)) : target;
}

/** `import type …`, or braces in which every name is marked. */
function isTypeOnly(clause: string): boolean {
  if (/^\s+type\b(?!\s*,)/.test(clause)) return true;
  const names = /^\s*\{([^}]*)\}\s*$/.exec(clause)?.[1];
  if (names === undefined) return false;
  const parts = names.split(',').map((name) => name.trim());
  return parts.every((name) => name === '' || name.startsWith('type ')) && parts.some((name) => name !== '');
}

function namesIn(clause: string): string[] {
  const braces = /\{([^}]*)\}/.exec(clause)?.[1];
  if (braces === undefined) return ['*'];
  return [...braces.matchAll(/(?:^|,)\s*(?:type\s+)?(\w+)/g)].map((match) => match[1] ?? '');
}

/** Files that import each other in a ring, each ring once, its files in order. */
export function findCycles(imports: readonly Import[]): readonly (readonly string[])[] {
  const next = new Map<string, string[]>();
  for (const { from, target } of imports) next.set(from, [...(next.get(from) ?? []), target]);
  const done = new Set<string>();
  const rings = new Map<string, readonly string[]>();
  const visit = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file);
    if (start >= 0) {
      const ring = path.slice(start);
      rings.set(ring.toSorted().join(' '), [...ring, file]);
      return;
    }
    if (done.has(file)) return;
    for (const target of next.get(file) ?? []) visit(target, [...path, file]);
    done.add(file);
  };
  for (const file of next.keys()) visit(file, []);
  return [...rings.values()];
}
