import { z } from 'zod';
import { textFault } from '../../domain/json.ts';
import { isPauseTarget, LIMIT_SPANS, type LimitSpan } from '../../domain/queues/queue-settings.ts';
import { anyNumber, oneOf, text, textLike } from '../../options/fields.ts';

/** What else is said of a limit. */
export interface LimitOptions {
  /**
   * `open`: tasks hold their slots from their start to their end. `occupying`: those that are paused, or wait for input, an
   * approval, a message or a time, hold none meanwhile. @defaultValue as before, `open` for a limit that is new
   */
  readonly while?: LimitSpan | undefined;
}

/** How the fields of what changes the queue are read. Ranges of values are those of the settings themselves. */

export const target = textLike('a band, a tenant or a graph, like band:low, tenant:acme, graph:digest', (name) => {
  return isPauseTarget(name) && textFault(name) === null;
});
export const key = text({ max: 600 });
export const numberOrNull = z.union([anyNumber, z.null()], { error: 'a number or null' });
export const span = oneOf(LIMIT_SPANS).optional();
