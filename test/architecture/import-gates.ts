import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Import } from './imports.ts';
import { ROOT, type SourceFile } from './source-files.ts';

/** What programs import. */
const ENTRIES = ['index.ts', 'client.ts', 'worker.ts'];
const EXPORTED = /^export (?:abstract |async )?(function\*?|const|class|interface|type) (\w+)/gm;

/** Imports of files that are not there, and of packages that package.json does not name. */
export function missingTargets(imports: readonly Import[], dependencies: Readonly<Record<string, string>>): string[] {
  return imports.flatMap(({ from, line, target, isOurs }) => {
    if (isOurs) return existsSync(join(ROOT, target)) ? [] : [`${from}:${line} imports ${target}, which is not there.`];
    if (target.startsWith('node:')) return [];
    const name = target.split('/', target.startsWith('@') ? 2 : 1).join('/');
    if (dependencies[name] !== undefined) return [];
    return [`${from}:${line} imports ${target}; name ${name} among the dependencies of package.json.`];
  });
}

/** Activities that something else than their register imports as values. */
export function activityCalls(imports: readonly Import[], registered: ReadonlySet<string>): string[] {
  return imports
    .filter(({ from, target, typeOnly }) => registered.has(target) && from !== 'activities/index.ts' && !typeOnly)
    .map(({ from, line, target }) => `${from}:${line} imports the activity ${target}; workflows call it.`);
}

/** These files and all that they import at run time, directly or not. */
export function filesLoadedBy(files: readonly string[], imports: readonly Import[]): Set<string> {
  const loaded = new Set(files);
  // A set is walked in the order of insertion, those inserted on the way included.
  for (const path of loaded) {
    const next = imports.filter(({ from, isOurs, typeOnly }) => from === path && isOurs && !typeOnly);
    for (const { target } of next) loaded.add(target);
  }
  return loaded;
}

/** Files of one name in different folders: a reader of a name must know which file it is. */
export function doubleNames(files: readonly SourceFile[]): string[] {
  const byName = Map.groupBy(files, ({ path }) => basename(path));
  return [...byName]
    .filter(([name, those]) => those.length > 1 && name !== 'index.ts')
    .map(([, those]) => `${those.map(({ path }) => path).join(' and ')} have one name.`);
}

/** Values that are exported and imported nowhere, and exported types that nothing uses at all. */
export function unusedExports(files: readonly SourceFile[], imports: readonly Import[]): string[] {
  const taken = new Set(imports.flatMap(({ target, names }) => names.map((name) => `${target} ${name}`)));
  return files
    .filter(({ path }) => !ENTRIES.includes(path) && !taken.has(`${path} *`))
    .flatMap(({ path, text }) => {
      const isUsedHere = (name: string) => text.split(new RegExp(`\\b${name}\\b`)).length > 2;
      return [...text.matchAll(EXPORTED)]
        .filter(([, form = '', name = '']) => !(/interface|type/.test(form) && isUsedHere(name)))
        .filter(([, , name]) => !taken.has(`${path} ${name}`))
        .map(([, , name]) => `${path} exports ${name}, which no other file imports; keep it to the file or remove it.`);
    });
}
