import type { HandlerContext } from '../../../index.ts';
import type { Pace } from '../language/read-sentences.ts';

/**
 * Between two pieces of work: stops where the runtime says so, tells it that there is progress, and lets the rest of
 * the process have its turn, so that a long text does not hold up the heartbeats of other work.
 */
export function paceOf(context: HandlerContext): Pace {
  return async () => {
    context.signal.throwIfAborted();
    context.heartbeat();
    await new Promise<void>((resume) => {
      setImmediate(resume);
    });
  };
}
