import { z } from 'zod';
import { defineGraph } from '../../index.ts';

/** A graph for each thing that a node waits for. Recorded once: a change of one needs a name of its own. */
const anything = z.record(z.string(), z.json());

const approval = defineGraph({
  name: 'waiting-for-approval',
  input: anything,
  nodes: { wait: { approval: 'May it continue?' } },
  output: '/nodes/wait',
});
const message = defineGraph({
  name: 'waiting-for-message',
  input: anything,
  nodes: { wait: { wait: { for: 'message', name: 'paid' } } },
  output: '/nodes/wait',
});
const event = defineGraph({
  name: 'waiting-for-event',
  input: anything,
  nodes: { wait: { wait: { for: 'event', name: 'shipped' }, expiresMs: 3_600_000 } },
  output: '/nodes/wait',
});
const time = defineGraph({
  name: 'waiting-for-time',
  input: anything,
  nodes: { wait: { wait: { for: 'time', afterMs: 1_500 } } },
  output: '/nodes/wait',
});
const entities = defineGraph({
  name: 'waiting-for-entities',
  input: anything,
  nodes: { wait: { collect: { entities: [{ name: 'order' }] } } },
  output: '/nodes/wait',
});

const child = defineGraph({
  name: 'waiting-for-child',
  input: anything,
  nodes: { wait: { child: time, input: {} } },
  output: '/nodes/wait',
});

export const waiting = [approval, message, event, time, entities, child];
