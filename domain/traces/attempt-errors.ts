import { MusterError } from '../errors.ts';

/** The ways in which attempts are lost, that is end without a report, with their descriptions. */
export const LOSSES = {
  handler_crashed:
    'workers died while they ran it. Look for what kills the process: memory, process.exit, native code.',
  heartbeat_missed:
    'attempts missed their heartbeat although their workers live. Look for an overloaded machine, a stopped process or a broken network.',
  event_loop_blocked:
    'attempts blocked the event loop of their worker. Let the handler yield, or move what computes for long into a worker thread.',
} as const;
export type Loss = keyof typeof LOSSES;

/** Too many attempts of a node ended without a report. */
export class HandlerLost extends MusterError {
  readonly code: Loss;
  /**
   * @param losses how each attempt was lost; the verdict is the most frequent one, or the last of equally frequent ones
   */
  constructor(node: string, handler: string, losses: readonly Loss[]) {
    const count = (loss: Loss) => losses.filter((each) => each === loss).length;
    const code = losses
      .toReversed()
      .reduce((most, loss) => (count(loss) > count(most) ? loss : most), losses.at(-1) ?? 'handler_crashed');
    const kinds = [...new Set(losses)].toSorted((one, other) => Number(other === code) - Number(one === code));
    const told = kinds.map((loss) => `${count(loss)} ${LOSSES[loss]}`).join(' And ');
    super(`${handler} was given up: ${told}`, { node, lost: losses.length });
    this.code = code;
  }
}

/**
 * How these attempts were lost, by their notes. A loss without a note is reported as a missed heartbeat, which is all
 * that is known.
 */
export function lossesNoted(noted: readonly string[], crashes: number): readonly Loss[] {
  const known = noted.flatMap((how) => Object.keys(LOSSES).filter((loss): loss is Loss => loss === how));
  const unknown = Array.from({ length: Math.max(0, crashes - known.length) }, () => 'heartbeat_missed' as const);
  return [...unknown, ...known].slice(-crashes);
}

/** A node has reached the longest wait for rate limits. */
export class LimitWaitExceeded extends MusterError {
  readonly code = 'limit_wait_exceeded';
  constructor(node: string, limitWaitMs: number, message: string) {
    super(
      `${node} would have to wait for limits for more than ${Math.round(limitWaitMs / 1_000)} s in total. ${message} ` +
        'Or give the agent a longer retry.limitWaitMs, or the task a deadline.',
      { node, limitWaitMs },
    );
  }
}
