import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

/**
 * Loaded before a worker: its workflows are those of the release whose bundle `EARLIER_WORKFLOWS` names, and what it starts
 * follows the rules that they know.
 */
const path = join(mkdtempSync(join(tmpdir(), 'muster-earlier-')), 'workflows.js');
const bundle = brotliDecompressSync(readFileSync(process.env.EARLIER_WORKFLOWS ?? ''));
writeFileSync(path, bundle);
const RULES = /EXECUTION_RULES = \d+/;
const rules = RULES.exec(bundle.toString())?.[0];

registerHooks({
  load: (url, context, next) => {
    if (url.endsWith('/domain/tasks/execution.ts') && rules !== undefined) {
      const loaded = next(url, context);
      return {
        ...loaded,
        source: Buffer.from(loaded.source as Uint8Array)
          .toString()
          .replace(RULES, rules),
      };
    }
    if (!url.endsWith('/worker/bundle/workflow-bundle.ts')) return next(url, context);
    const source = `export const workflowBundlePath = async () => ${JSON.stringify(path)};`;
    return { format: 'module', source, shortCircuit: true };
  },
});
