import { mkdir, writeFile } from 'node:fs/promises';
import { loadConfig } from '../config.ts';
import { findConnections } from '../servers/find/find-connections.ts';
import { type MusterUnderTest, openMuster } from '../test/support/muster.ts';
import { type PrivateStack, startPrivateStack } from '../test/support/stack.ts';
import { prepareInstallation } from '../worker/wire/prepare-installation.ts';
import { measureDispatch } from './dispatch-speed.ts';
import { measureDoor } from './door-cost.ts';
import { measureGraphSpeed } from './graph-speed.ts';
import { measureHeartbeats } from './heartbeat-cost.ts';
import { measureLimiter } from './limiter-speed.ts';
import { measureMessages } from './message-speed.ts';
import { type Finding, findingsTable, isReached } from './report.ts';
import { measureSubmits } from './submit-speed.ts';
import { measureWorker } from './worker-footprint.ts';

/**
 * Measures Muster against its peers on services of its own: `npm run bench [-- NAME …] [-- --json]`, with the names below.
 * Prints a table, or JSON alone with `--json`, and keeps the JSON in bench/results. Ends with 0 whatever the figures: a
 * busy machine is no fault of the code.
 */
const MEASUREMENTS = {
  worker: measureWorker,
  speed: measureGraphSpeed,
  door: measureDoor,
  submit: measureSubmits,
  dispatch: measureDispatch,
  limiter: measureLimiter,
  messages: measureMessages,
  heartbeats: measureHeartbeats,
};

type Measurement = (muster: MusterUnderTest, stack: PrivateStack) => Promise<Finding[]>;

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const unknown = wanted.filter((name) => !(name in MEASUREMENTS));
if (unknown.length > 0) {
  process.stderr.write(`expected one of ${Object.keys(MEASUREMENTS).join(', ')}, found ${unknown.join(', ')}.\n`);
  process.exit(2);
}

const stack = await startPrivateStack({ announce: (text) => process.stderr.write(`${text}\n`) });
const findings: Finding[] = [];
try {
  for (const [name, measure] of Object.entries(MEASUREMENTS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    process.stderr.write(`measuring: ${name}\n`);
    findings.push(...(await onItsOwn(name, measure)));
  }
} finally {
  await stack.close();
}

const report = { at: new Date().toISOString(), node: process.version, findings: findings.map(withVerdict) };
const folder = new URL('./results/', import.meta.url);
await mkdir(folder, { recursive: true });
await writeFile(new URL('latest.json', folder), `${JSON.stringify(report, null, 2)}\n`);
process.stdout.write(process.argv.includes('--json') ? `${JSON.stringify(report)}\n` : `${findingsTable(findings)}\n`);
// Temporal's native runtime has no way to be closed while its telemetry thread sleeps.
process.exit(0);

/** Each measurement has a database, a key prefix and a task queue of its own, prepared as an installation is. */
async function onItsOwn(name: string, measure: Measurement): Promise<Finding[]> {
  const muster = await openMuster(`bench ${name}`, { stack });
  try {
    const config = loadConfig(muster.environment);
    const connections = await findConnections(config.services);
    await prepareInstallation({ config, connections, report: () => {} });
    return await measure(muster, stack);
  } finally {
    await muster.close();
  }
}

function withVerdict(finding: Finding): Finding & { reached: boolean | null } {
  return { ...finding, reached: isReached(finding) };
}
