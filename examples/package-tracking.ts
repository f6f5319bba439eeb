// A graph that is a file: examples/package-tracking.yaml. This program brings the code of its four tools.
//
//   npm run -s muster -- run examples/package-tracking.ts --script examples/data/package-tracking.script.json
//
// The customer forgets the number of the package, so the task asks for it, and is answered. The script plays the model;
// without --script, the model `default` of MUSTER_MODELS thinks.
import { readFile } from 'node:fs/promises';
import { connect, defineTool } from '@muster-run/muster';
import { startWorker } from '@muster-run/muster/worker';
import { z } from 'zod';

const number = z.object({ number: z.string() });

export const tools = [
  defineTool({
    name: 'track-package',
    description: 'Says where a package is.',
    risk: 'read_only',
    input: number,
    output: z.object({ state: z.string(), place: z.string() }),
    handle: () => ({ state: 'in transit', place: 'Hannover' }),
  }),
  defineTool({
    name: 'find-carrier',
    description: 'Says who carries a package.',
    risk: 'read_only',
    input: number,
    output: z.object({ carrier: z.string() }),
    handle: () => ({ carrier: 'Blue Van' }),
  }),
  defineTool({
    name: 'estimate-delivery',
    description: 'Says when a package comes.',
    risk: 'read_only',
    input: number,
    output: z.object({ day: z.string() }),
    handle: () => ({ day: 'tomorrow' }),
  }),
  defineTool({
    name: 'report-problem',
    description: 'Tells the carrier that something is wrong with a package.',
    risk: 'external_write', // refused, unless a grant lets package-tracking.answer use it
    input: z.object({ number: z.string(), problem: z.string() }),
    output: z.object({ report: z.string() }),
    handle: () => ({ report: 'R-1' }),
  }),
];

const worker = await startWorker({ tools });
const muster = await connect();
const document = await readFile(new URL('package-tracking.yaml', import.meta.url), 'utf8');
const { graphs } = await muster.operations.graphs.apply({ document });
console.log(graphs.map(({ name, version, status }) => `${name}: version ${version}, ${status}`).join('\n'));

const task = await muster.submit('package-tracking', { query: 'Where is my package?' });
for await (const { type, path } of task.events()) {
  if (type === 'run.waits') {
    console.log(`${path} asks for the number of the package, and is answered: AB123456`);
    await task.answer({ number: 'AB123456' });
  }
  if (type === 'run.completed') console.log(`${path}: done`);
}
console.log('answer:', (await task.result()).output);
console.log(`the whole story: ${process.env.MUSTER_COMMAND ?? 'npx muster'} show ${task.id}`);

await muster.close();
await worker.stop();
