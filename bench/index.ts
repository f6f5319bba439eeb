import { mkdir, writeFile } from 'node:fs/promises';
import { loadConfig } from '../config.ts';
import { findConnections } from '../services/index.ts';
import { openMuster } from '../test/support/muster.ts';
import { startPrivateStack } from '../test/support/stack.ts';
import { prepareInstallation } from '../worker/prepare.ts';
import { measureGraphSpeed } from './graph-speed.ts';
import { type Finding, findingsTable, isReached } from './report.ts';
import { measureWorker } from './worker-footprint.ts';

/**
 * Measures Muster against its peers on services of its own: `npm run bench [-- speed|worker] [-- --json]`. Prints a
 * table, or JSON alone with `--json`, and keeps the JSON in bench/results. Ends with 0 whatever the figures: a busy
 * machine is no fault of the code.
 */
const MEASUREMENTS = { worker: measureWorker, speed: measureGraphSpeed };

const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const unknown = wanted.filter((name) => !(name in MEASUREMENTS));
if (unknown.length > 0) {
  process.stderr.write(`expected one of ${Object.keys(MEASUREMENTS).join(', ')}, found ${unknown.join(', ')}.\n`);
  process.exit(2);
}

const stack = await startPrivateStack({ announce: (text) => process.stderr.write(`${text}\n`) });
const muster = await openMuster('bench', { stack });
const findings: Finding[] = [];
try {
  const config = loadConfig(muster.environment);
  const connections = await findConnections(config.services);
  await prepareInstallation({ config, connections, report: () => {} });
  for (const [name, measure] of Object.entries(MEASUREMENTS)) {
    if (wanted.length > 0 && !wanted.includes(name)) continue;
    process.stderr.write(`measuring: ${name}\n`);
    findings.push(...(await measure(muster)));
  }
} finally {
  await muster.close();
  await stack.close();
}

const report = { at: new Date().toISOString(), node: process.version, findings: findings.map(withVerdict) };
const folder = new URL('./results/', import.meta.url);
await mkdir(folder, { recursive: true });
await writeFile(new URL('latest.json', folder), `${JSON.stringify(report, null, 2)}\n`);
process.stdout.write(process.argv.includes('--json') ? `${JSON.stringify(report)}\n` : `${findingsTable(findings)}\n`);
// Temporal's native runtime has no way to be closed while its telemetry thread sleeps.
process.exit(0);

function withVerdict(finding: Finding): Finding & { reached: boolean | null } {
  return { ...finding, reached: isReached(finding) };
}
