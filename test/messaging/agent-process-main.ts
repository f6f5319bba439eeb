import { setTimeout as pause } from 'node:timers/promises';
import { connectAgent } from '../../index.ts';

const PAUSE_MS = 1_000;

/**
 * An agent as a program of its own, named on its command line. It tells its parent of each message that it begins and
 * ends; one whose payload says `hang` never ends, one that says `pause` takes a while.
 */
const agent = await connectAgent(process.argv[2] ?? '', {
  receive: async ({ payload, id, delivery }) => {
    process.send?.({ begun: payload.n, id, delivery });
    if (payload.hang === true && delivery === 1) await new Promise<void>(() => undefined);
    if (payload.pause === true && delivery === 1) await pause(PAUSE_MS);
    process.send?.({ handled: payload.n, id, delivery });
    return { n: payload.n ?? null, pid: process.pid };
  },
});
process.on('disconnect', () => process.exit(1));
process.on('SIGTERM', () => {
  void agent.close().then(() => process.exit(0));
});
process.send?.({ ready: agent.id });
