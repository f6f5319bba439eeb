import { z } from 'zod';
import { textFault } from '../../domain/json.ts';
import { isPauseTarget } from '../../domain/queues/queue-settings.ts';
import { anyNumber, text, textLike } from '../../options/fields.ts';
import { argumentOf } from '../../options/parse-options.ts';

/** How the arguments of what changes the queue are read. Ranges of values are those of the settings themselves. */

const target = textLike('a band, a tenant or a graph, like band:low, tenant:acme, graph:digest', (name) => {
  return isPauseTarget(name) && textFault(name) === null;
});
const key = text({ max: 600 });
const numberOrNull = z.union([anyNumber, z.null()], { error: 'a number or null' });

export const pauseTarget = argumentOf('pause', 'target', target);
export const resumeTarget = argumentOf('resume', 'target', target);
export const limitKey = argumentOf('setLimit', 'key', key);
export const limitValue = argumentOf('setLimit', 'limit', numberOrNull);
export const weightTenant = argumentOf('setWeight', 'tenant', key);
export const weightValue = argumentOf('setWeight', 'weight', numberOrNull);
