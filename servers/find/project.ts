import { createHash } from 'node:crypto';
import { basename, dirname, sep } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * The folder of the project that a copy of Muster belongs to: the one whose `node_modules` holds the package, or the
 * clone itself. It does not depend on where a command is called.
 *
 * @param file a file two folders below the root of the copy. @defaultValue this one
 */
export function projectFolder(file: string = fileURLToPath(import.meta.url)): string {
  const installed = file.indexOf(`${sep}node_modules${sep}`);
  return installed > 0 ? file.slice(0, installed) : dirname(dirname(dirname(file)));
}

/** A short name of a project's folder that no other folder has: readable, and safe as the name of a folder. */
export function projectName(folder: string): string {
  const readable = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 24);
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, 8);
  return readable === '' ? hash : `${readable}-${hash}`;
}
