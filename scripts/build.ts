import { spawnSync } from 'node:child_process';
import { chmodSync, cpSync, globSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { bundleWorkflows } from '../worker/bundle/bundle-workflows.ts';

/**
 * Builds `dist/`: JavaScript and declarations of everything that the package carries, in the folders of the sources; the
 * files that are read at run time beside them; and the workflows as one file. A clone needs none of it, because Node runs
 * its sources as they are; under `node_modules` Node refuses to.
 */
const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
const DIST = join(ROOT, 'dist');

/** Files that the program reads at run time and the compiler does not copy. */
const ASSETS = [
  'redis/scripts/*.lua',
  'database/migrations/*.sql',
  'agents/templates/*.yaml',
  'servers/install/temporal-cli/{bring-in.mjs,go.mod,go.sum}',
];
/** Run by a clone only: a package brings the finished bundle, see worker/bundle/workflow-bundle.ts. */
const CLONE_ONLY = ['worker/bundle/bundle-process.js', 'worker/bundle/bundle-process.d.ts'];

function compile(): void {
  const compiler = join(ROOT, 'node_modules', '.bin', 'tsc');
  // The default of four checkers uses half as much processor time again.
  const { status } = spawnSync(compiler, ['--project', join(ROOT, 'tsconfig.build.json'), '--checkers', '1'], {
    stdio: 'inherit',
  });
  if (status !== 0) throw new Error('The sources do not compile; the compiler said why, above.');
}

function copyAssets(): void {
  for (const pattern of ASSETS) {
    const assets = globSync(pattern, { cwd: ROOT });
    if (assets.length === 0) throw new Error(`Expected files like ${pattern}, found none.`);
    for (const asset of assets) cpSync(join(ROOT, asset), join(DIST, asset));
  }
  for (const path of CLONE_ONLY) rmSync(join(DIST, path));
}

/** The bundle fits exactly this version of the Temporal SDK, which package.json pins for all installations. */
async function writeWorkflowBundle(): Promise<void> {
  const workflowsPath = join(DIST, 'workflows', 'index.js');
  writeFileSync(join(DIST, 'workflow-bundle.js'), await bundleWorkflows(workflowsPath));
}

rmSync(DIST, { recursive: true, force: true });
compile();
copyAssets();
await writeWorkflowBundle();
// npm marks the programs of an installed package as executable, but not those of a linked clone.
chmodSync(join(DIST, 'cli.js'), 0o755);
