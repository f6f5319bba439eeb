import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, existsSync, globSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/**
 * Builds `dist/`: JavaScript and declarations of everything that the package carries, and beside them the files that are
 * read at run time. Node runs the sources of a clone as they are, but refuses to do so under `node_modules`.
 */
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DIST = join(ROOT, 'dist');

/** Files of the rooms that are no sources: scripts of Redis, migrations, the module that builds Temporal. */
const ASSETS = ['*/**/*.{lua,sql,json,mjs,mod,sum,html}'];
const NO_ROOMS = ['node_modules', 'dist', 'test', 'bench', 'scripts', 'examples', 'docs', 'coverage'];

function compile(): void {
  const tsc = join(ROOT, 'node_modules', '.bin', 'tsc');
  const { status } = spawnSync(tsc, ['--project', join(ROOT, 'scripts', 'tsconfig.build.json')], { stdio: 'inherit' });
  if (status !== 0) process.exit(1);
}

function copyAssets(): void {
  for (const asset of globSync(ASSETS, { cwd: ROOT })) {
    if (!NO_ROOMS.some((room) => asset.startsWith(`${room}/`))) cpSync(join(ROOT, asset), join(DIST, asset));
  }
}

rmSync(DIST, { recursive: true, force: true });
compile();
copyAssets();
// npm marks the programs of an installed package as executable, but not those of a linked clone.
const program = join(DIST, 'cli.js');
if (existsSync(program)) chmodSync(program, 0o755);
