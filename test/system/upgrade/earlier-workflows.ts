import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { registerHooks } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { brotliDecompressSync } from 'node:zlib';

/** Loaded before a worker: its workflows are those of the release whose bundle `EARLIER_WORKFLOWS` names. */
const path = join(mkdtempSync(join(tmpdir(), 'muster-earlier-')), 'workflows.js');
writeFileSync(path, brotliDecompressSync(readFileSync(process.env.EARLIER_WORKFLOWS ?? '')));

registerHooks({
  load: (url, context, next) => {
    if (!url.endsWith('/worker/bundle/workflow-bundle.ts')) return next(url, context);
    const source = `export const workflowBundlePath = async () => ${JSON.stringify(path)};`;
    return { format: 'module', source, shortCircuit: true };
  },
});
