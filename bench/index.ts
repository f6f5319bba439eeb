import { mkdir, writeFile } from 'node:fs/promises';
import { loadConfig } from '../config.ts';
import { findConnections } from '../servers/find/find-connections.ts';
import { type MusterUnderTest, openMuster } from '../test/support/muster.ts';
import { type PrivateStack, startPrivateStack } from '../test/support/stack.ts';
import { prepareInstallation } from '../worker/wire/prepare-installation.ts';
import { measureBacklog } from './backlog-speed.ts';
import { measureBudgets } from './budget-speed.ts';
import { measureContainers } from './container-speed.ts';
import { measureDispatch } from './dispatch-speed.ts';
import { measureDoor } from './door-cost.ts';
import { measureGraphSpeed } from './graph-speed.ts';
import { measureGrowth } from './growth.ts';
import { measureHeartbeats } from './heartbeat-cost.ts';
import { measureLimiter } from './limiter-speed.ts';
import { measureMessages } from './message-speed.ts';
import { measureModelCalls } from './model-speed.ts';
import { measureReplays } from './replay-speed.ts';
import { type Finding, findingsTable, isReached } from './report.ts';
import { measureSteps } from './step-speed.ts';
import { measureStreams } from './stream-speed.ts';
import { measureSubmits } from './submit-speed.ts';
import { measureWorker } from './worker-footprint.ts';

type Measurement = (muster: MusterUnderTest, stack: PrivateStack) => Promise<Finding[]>;

const MEASUREMENTS: Readonly<Record<string, { readonly what: string; readonly measure: Measurement }>> = {
  worker: { what: 'memory of a worker, idle and at work, and how soon it begins', measure: measureWorker },
  speed: { what: 'five nodes that do nothing, against bare Temporal', measure: measureGraphSpeed },
  containers: {
    what: 'nodes side by side, and an each over many elements, against bare Temporal',
    measure: measureContainers,
  },
  steps: { what: 'quick nodes that hand on 2 KB, and 1 → 8 → 1, against DBOS', measure: measureSteps },
  backlog: { what: 'tasks that wait already, against the queue of DBOS', measure: measureBacklog },
  door: { what: 'what the one way in costs', measure: measureDoor },
  submit: { what: 'submits, against graphile-worker and pg-boss', measure: measureSubmits },
  dispatch: { what: 'leases, starts and urgent tasks, against graphile-worker', measure: measureDispatch },
  limiter: { what: 'rate limits, against rate-limiter-flexible', measure: measureLimiter },
  budgets: { what: 'reservations from one hot budget, against a bare update', measure: measureBudgets },
  messages: { what: 'messages between agents', measure: measureMessages },
  model: { what: 'what a model call costs besides the provider', measure: measureModelCalls },
  replay: {
    what: 'the replay of a recorded run, against the run with models that take their time',
    measure: measureReplays,
  },
  stream: { what: 'a thousand tokens a second to each of twenty watchers', measure: measureStreams },
  heartbeats: { what: 'ten thousand agents that beat', measure: measureHeartbeats },
  growth: { what: 'what a million ended tasks cost the next one', measure: measureGrowth },
};

const HELP = `npm run bench [-- NAME …] [-- --json]

Measures Muster against its peers on servers of its own: all of these, or those that are named.

${Object.entries(MEASUREMENTS)
  .map(([name, { what }]) => `  ${name.padEnd(12)}${what}`)
  .join('\n')}

Prints a table, or JSON alone with --json, and keeps the JSON in bench/results. Ends with 0 whatever the figures: a busy
machine is no fault of the code.
`;

if (process.argv.includes('--help')) {
  process.stdout.write(HELP);
  process.exit(0);
}
const wanted = process.argv.slice(2).filter((argument) => !argument.startsWith('--'));
const unknown = wanted.filter((name) => !(name in MEASUREMENTS));
if (unknown.length > 0) {
  process.stderr.write(`expected one of ${Object.keys(MEASUREMENTS).join(', ')}, found ${unknown.join(', ')}.\n`);
  process.exit(2);
}

const stack = await startPrivateStack({ announce: (text) => process.stderr.write(`${text}\n`) });
const findings: Finding[] = [];
try {
  for (const [name, { measure }] of Object.entries(MEASUREMENTS)) {
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
