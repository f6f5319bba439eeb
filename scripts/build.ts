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

/** What the program reads at run time and no compiler copies. */
const ASSETS = [
  'redis/scripts/*.lua',
  'database/migrations/*.sql',
  'servers/install/temporal-cli/{bring-in.mjs,go.mod,go.sum}',
];
/** Run by a clone only: a package brings the finished bundle, see worker/bundle/workflow-bundle.ts. */
const CLONE_ONLY = ['worker/bundle/bundle-thread.js', 'worker/bundle/bundle-thread.d.ts'];

function compile(): void {
  const compiler = join(ROOT, 'node_modules', '.bin', 'tsc');
  const { status } = spawnSync(compiler, ['--project', join(ROOT, 'tsconfig.build.json')], { stdio: 'inherit' });
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

/** The bundle fits the Temporal SDK of this very version, which package.json pins for whoever installs the package. */
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
