import { readdirSync, readFileSync } from 'node:fs';

/** Linux counts processor time in hundredths of a second. */
const TICK_MS = 10;

/** Processor time of a process and of its present children, in milliseconds; 0 where the system does not tell. */
export function processorTimeMs(pid: number): number {
  const processes = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  let ticks = 0;
  for (const name of processes) {
    const fields = statOf(name);
    if (fields !== null && (Number(name) === pid || fields.parent === pid)) ticks += fields.ticks;
  }
  return ticks * TICK_MS;
}

function statOf(name: string): { parent: number; ticks: number } | null {
  try {
    const text = readFileSync(`/proc/${name}/stat`, 'utf8');
    // The command's name stands in brackets and may hold spaces; the fields after it do not.
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    return { parent: Number(fields[1]), ticks: Number(fields[11]) + Number(fields[12]) };
  } catch {
    return null;
  }
}
