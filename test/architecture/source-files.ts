import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

/** What is made, installed or private, and so no part of the project. The same as in .gitignore. */
const NOT_OURS = new Set(['node_modules', 'dist', 'coverage', '.git', '.env', 'bench/results']);

/** A file of the project. */
export interface SourceFile {
  /** From the root, with slashes. */
  readonly path: string;
  readonly text: string;
}

/** Every file whose path ends in one of these, in order of path. */
export function filesEndingIn(...endings: readonly string[]): readonly SourceFile[] {
  return walk('')
    .filter((path) => endings.some((ending) => path.endsWith(ending)))
    .map((path) => ({ path, text: readFileSync(join(ROOT, path), 'utf8') }));
}

export function fileAt(path: string): SourceFile {
  return { path, text: readText(path) };
}

export function readText(path: string): string {
  return readFileSync(join(ROOT, path), 'utf8');
}

function walk(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true })
    .toSorted((one, other) => (one.name < other.name ? -1 : 1))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      if (NOT_OURS.has(path) || NOT_OURS.has(entry.name) || entry.name.endsWith('.tgz')) return [];
      return entry.isDirectory() ? walk(path) : [path];
    });
}

/** TypeScript that is part of the product: neither test, bench, script nor example. */
export function productFiles(): readonly SourceFile[] {
  const others = ['test/', 'bench/', 'scripts/', 'examples/', 'docs/'];
  return filesEndingIn('.ts').filter(({ path }) => !others.some((folder) => path.startsWith(folder)));
}
