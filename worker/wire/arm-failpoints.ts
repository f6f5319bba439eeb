import { setTimeout as pause } from 'node:timers/promises';
import { FAILPOINTS, type Failpoint, NO_FAILPOINTS, type ReachFailpoint } from '../../domain/system/failpoints.ts';

const ACTIONS = ['kill', 'stop', 'throw', 'delay', 'hang'] as const;
type Action = (typeof ACTIONS)[number];
const DELAY_MS = 2_000;
/** Longer than any test. */
const HANG_MS = 3_600_000;

/**
 * Arms the failpoints of a fault test, given as `name:action` or `name:action:count`, comma-separated: on the count-th
 * arrival (default the first) the process kills itself, stops itself, throws, waits two seconds, or stops there.
 * Unknown names are refused, so that a test cannot pass because its fault was misspelt.
 */
export function armFailpoints(text: string): ReachFailpoint {
  if (text === '') return NO_FAILPOINTS;
  const armed = new Map(text.split(',').map(parse));
  return async (name) => {
    const point = armed.get(name);
    if (point === undefined || --point.arrivals !== 0) return;
    await act(name, point.action);
  };
}

function parse(part: string): [Failpoint, { action: Action; arrivals: number }] {
  const [name, action, count = '1'] = part.trim().split(':');
  const known = FAILPOINTS.find((failpoint) => failpoint === name);
  const what = ACTIONS.find((candidate) => candidate === action);
  if (known === undefined || what === undefined) throw new Error(`MUSTER_FAILPOINTS: "${part}" is not name:action.`);
  return [known, { action: what, arrivals: Number(count) }];
}

async function act(name: Failpoint, action: Action): Promise<void> {
  switch (action) {
    case 'kill':
      process.kill(process.pid, 'SIGKILL');
      return pause(60_000);
    case 'stop':
      process.kill(process.pid, 'SIGSTOP');
      return;
    case 'throw':
      throw new Error(`failpoint ${name}`);
    case 'delay':
      return pause(DELAY_MS);
    case 'hang':
      return pause(HANG_MS);
  }
}
