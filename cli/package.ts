import { readFileSync } from 'node:fs';
import { findPackageJSON, registerHooks } from 'node:module';
import { dirname, extname, join } from 'node:path';
import { pathToFileURL } from 'node:url';

interface PackageFacts {
  /** The names that programs import, as package.json lists them. */
  readonly name: string;
  readonly version: string;
  /** The folder of package.json: the clone, or the installed package. */
  readonly folder: string;
}

/** The package that this program belongs to. */
export const PACKAGE: PackageFacts = readPackage();

function readPackage(): PackageFacts {
  const path = findPackageJSON(import.meta.url);
  if (path === undefined) throw new Error('package.json is missing beside the program. Install Muster again.');
  const { name, version }: { name: string; version: string } = JSON.parse(readFileSync(path, 'utf8'));
  return { name, version, folder: dirname(path) };
}

/** What a user types before a command: in a clone, and where the package is installed. */
export const CALLED_AS = extname(import.meta.url) === '.ts' ? 'npm run -s muster --' : 'npx muster';

/** The entries of the package as this program runs them: sources in a clone, compiled files in an installed package. */
const OWN_ENTRIES: ReadonlyMap<string, string> = new Map([
  [PACKAGE.name, ownEntry('index')],
  [`${PACKAGE.name}/worker`, ownEntry('worker')],
]);

function ownEntry(name: string): string {
  return new URL(`../${name}${extname(import.meta.url)}`, import.meta.url).href;
}

let isProvided = false;

/**
 * Lets the modules that this process imports find the package by its name. A module whose project has it installed gets
 * that copy, which is the one that its types come from; any other one, those of a clone included, gets this program's.
 * Repeating it changes nothing.
 */
export function providePackage(): void {
  if (isProvided) return;
  isProvided = true;
  const built = pathToFileURL(join(PACKAGE.folder, 'dist', '/')).href;
  registerHooks({
    resolve(specifier, context, nextResolve) {
      const own = OWN_ENTRIES.get(specifier);
      if (own === undefined) return nextResolve(specifier, context);
      const found = resolvedOrNull(() => nextResolve(specifier, context));
      // A clone runs its sources and not an earlier build.
      return found === null || found.url.startsWith(built) ? { url: own, shortCircuit: true } : found;
    },
  });
}

function resolvedOrNull<Resolved>(resolve: () => Resolved): Resolved | null {
  try {
    return resolve();
  } catch {
    return null;
  }
}
