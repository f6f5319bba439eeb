import { writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { bundleWorkflows } from './bundle-workflows.ts';

/** Bundles the workflows into the file that its argument names. */
const [, , path = ''] = process.argv;
await writeFile(path, await bundleWorkflows(fileURLToPath(new URL('../../workflows/index.ts', import.meta.url))));
