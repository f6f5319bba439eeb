import type { TenantId } from '../domain/ids.ts';
import { callOperation } from '../operations/call.ts';
import { serviceCaller } from '../operations/caller.ts';
import { defineOperation } from '../operations/define.ts';
import type { Stores } from '../operations/stores.ts';
import type { SubmitOptions } from '../operations/tasks/submit-options.ts';
import { SUBMIT_FIELDS } from '../operations/tasks/task-fields.ts';
import type { Finding } from './report.ts';

const CALLS = 20_000;
const ROUNDS = 5;
const INPUT = { priority: 'high', user: 'u-17', key: 'k-1', title: 'a title', startAt: new Date() };

/** Does nothing, with the input of a submit: what is left is the door's own. */
const nothing = defineOperation({
  name: 'bench.nothing',
  summary: 'Does nothing.',
  effect: 'read',
  risk: 'read_only',
  permission: 'tasks:read',
  limit: 'bench',
  unit: 'none',
  input: SUBMIT_FIELDS,
  handle: async (_call, { key }: SubmitOptions) => key ?? null,
});

/** What the way through the door costs besides an operation's own work. */
export async function measureDoor(): Promise<Finding[]> {
  // No store is asked: the limit is not set, and the operation takes no transaction.
  const stores = { rateLimits: { isSet: () => false } } as unknown as Stores;
  const setting = { caller: serviceCaller('bench' as TenantId), stores };
  const rounds: number[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const direct = await microsecondsOf(() => nothing.handle(setting as never, INPUT as never));
    rounds.push((await microsecondsOf(() => callOperation(nothing, setting, INPUT))) - direct);
  }
  const median = rounds.toSorted((one, other) => one - other)[Math.floor(ROUNDS / 2)] ?? Number.NaN;
  return [{ name: 'the way through the door, µs of processor time', value: median, goal: { atMost: 30 } }];
}

/** Of processor time, which a busy machine does not change. */
async function microsecondsOf(call: () => Promise<unknown>): Promise<number> {
  const before = process.cpuUsage();
  for (let count = 0; count < CALLS; count += 1) await call();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / CALLS;
}
