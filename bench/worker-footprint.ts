import { type ChildProcess, spawn } from 'node:child_process';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { MusterUnderTest } from '../test/support/muster.ts';
import { fiveHandingOn } from './graphs.ts';
import { rateOf } from './measure.ts';
import { openMusterContestants } from './muster-contestant.ts';
import { handedOn } from './payload.ts';
import type { Finding } from './report.ts';
import { peakMegabytes } from './usage.ts';

const CLI = fileURLToPath(new URL('../cli.ts', import.meta.url));
const GRAPHS = fileURLToPath(new URL('graphs.ts', import.meta.url));
/** As `npm run muster` has it. */
const FLAGS = ['--disable-warning=ExperimentalWarning', '--max-semi-space-size=4'];
const SETTLE_MS = 15_000;
const AT_WORK = { runs: 1_000, inFlight: 50 };

/** A worker process from its sources: what it holds when idle and at work, and how soon it begins a task that waits. */
export async function measureWorker(muster: MusterUnderTest): Promise<Finding[]> {
  const { idle, atWork } = await memory(muster);
  const task = await muster.client.submit('channel-digest', { text: 'mara: we ship on Tuesday' });
  const startedAt = performance.now();
  const firstNodeSeconds = await withWorkerProcess(muster.environment, async () => {
    for await (const event of task.events()) if (event.type === 'run.started') break;
    return (performance.now() - startedAt) / 1000;
  });
  return [
    { name: 'idle worker, peak memory MB', value: idle, goal: { atMost: 180 } },
    {
      name: `worker with ${AT_WORK.inFlight} tasks of five quick nodes in flight, peak memory MB`,
      value: atWork,
      goal: { atMost: 350 },
    },
    { name: 'worker start to first node of a waiting task, s', value: firstNodeSeconds, goal: { atMost: 5 } },
  ];
}

async function memory(muster: MusterUnderTest): Promise<{ idle: number; atWork: number }> {
  const own = openMusterContestants(muster);
  const contestant = own.contestant(fiveHandingOn.definition.name, () => ({ text: handedOn() }));
  await muster.client.publish([fiveHandingOn]);
  try {
    return await withWorkerProcess(muster.environment, async ({ pid = 0 }) => {
      await pause(SETTLE_MS);
      const idle = peakMegabytes(pid);
      await rateOf(contestant, AT_WORK);
      return { idle, atWork: peakMegabytes(pid) };
    });
  } finally {
    await own.close();
  }
}

async function withWorkerProcess<Result>(
  environment: Record<string, string>,
  work: (child: ChildProcess) => Promise<Result>,
): Promise<Result> {
  const child = spawn(process.execPath, [...FLAGS, CLI, 'worker', '--agents', GRAPHS], {
    env: { ...process.env, ...environment },
    stdio: 'ignore',
  });
  try {
    return await work(child);
  } finally {
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
  }
}
