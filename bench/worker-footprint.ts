import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { MusterUnderTest } from '../test/support/muster.ts';
import type { Finding } from './report.ts';

const BUILD = fileURLToPath(new URL('../scripts/build.ts', import.meta.url));
const CLI = fileURLToPath(new URL('../dist/cli.js', import.meta.url));
/** As the program's first line has it. */
const FLAGS = ['--max-semi-space-size=4'];
const SETTLE_MS = 15_000;

/** A worker process as it is installed: what it holds when idle, and how soon it begins a task that waits. */
export async function measureWorker(muster: MusterUnderTest): Promise<Finding[]> {
  execFileSync(process.execPath, [BUILD]);
  const idle = await withWorkerProcess(muster.environment, async (child) => {
    await pause(SETTLE_MS);
    return peakMegabytes(child.pid ?? 0);
  });
  const task = await muster.client.submit('channel-digest', { text: 'mara: we ship on Tuesday' });
  const startedAt = performance.now();
  const firstNodeSeconds = await withWorkerProcess(muster.environment, async () => {
    for await (const event of task.events()) if (event.type === 'run.started') break;
    return (performance.now() - startedAt) / 1000;
  });
  return [
    { name: 'idle worker, peak memory MB', value: idle, goal: { atMost: 200 } },
    { name: 'worker start to first node of a waiting task, s', value: firstNodeSeconds, goal: { atMost: 5 } },
  ];
}

async function withWorkerProcess<Result>(
  environment: Record<string, string>,
  work: (child: ChildProcess) => Promise<Result>,
): Promise<Result> {
  const child = spawn(process.execPath, [...FLAGS, CLI, 'worker'], {
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

/** The largest resident set that the process ever had, as Linux counts it. */
function peakMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1];
  return kilobytes === undefined ? Number.NaN : Number(kilobytes) / 1024;
}
