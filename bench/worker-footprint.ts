import { type ChildProcess, spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { MusterUnderTest } from '../test/support/muster.ts';
import type { Finding } from './report.ts';

const CLI = fileURLToPath(new URL('../cli.ts', import.meta.url));
const SETTLE_MS = 15_000;

/** A worker process as an operator starts it: how soon its first task is done, and what it holds when idle. */
export async function measureWorker(muster: MusterUnderTest): Promise<Finding[]> {
  const text = 'mara: we ship on Tuesday\njonas: I will write the notes';
  const task = await muster.client.submit('channel-digest', { text });
  const startedAt = performance.now();
  const child = startWorkerProcess(muster.environment);
  try {
    for await (const event of task.events()) if (event.type === 'run.started') break;
    const firstNodeSeconds = (performance.now() - startedAt) / 1000;
    await task.result();
    await pause(SETTLE_MS);
    return [
      { name: 'worker start to first node of a waiting task, s', value: firstNodeSeconds, goal: { atMost: 5 } },
      { name: 'idle worker, peak memory MB', value: peakMegabytes(child.pid ?? 0), goal: { atMost: 200 } },
    ];
  } finally {
    child.kill('SIGTERM');
    await new Promise((resolve) => child.once('exit', resolve));
  }
}

function startWorkerProcess(environment: Record<string, string>): ChildProcess {
  const flags = process.execArgv.filter((flag) => flag.startsWith('--conditions'));
  return spawn(process.execPath, [...flags, CLI, 'worker'], {
    env: { ...process.env, ...environment },
    stdio: 'ignore',
  });
}

/** The largest resident set that the process ever had, as Linux counts it. */
function peakMegabytes(pid: number): number {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  const kilobytes = /^VmHWM:\s+(\d+) kB/m.exec(status)?.[1];
  return kilobytes === undefined ? Number.NaN : Number(kilobytes) / 1024;
}
