import { z } from 'zod';
import { defineAgent, defineGraph } from '../../../index.ts';

/** Graphs of the tests of nodes that wait, for workers in processes of their own too. */
const anything = z.record(z.string(), z.json());

/** Says what it was given. */
const echo = defineAgent({ name: 'echo', input: anything, output: anything, handle: (given) => given });

const payBack = 'May the money be paid back?';

const approving = defineGraph({
  name: 'approving',
  input: z.object({ amount: z.number(), order: z.string().optional() }),
  nodes: {
    allow: { approval: payBack, input: { amount: '/task/amount' } },
    pay: { agent: echo, input: { amount: '/nodes/allow/input/amount', by: '/nodes/allow/by' } },
  },
  output: '/nodes/pay',
});

/** Ends with the approval, so that one transaction can write both. */
const onlyApproving = defineGraph({
  name: 'only-approving',
  input: anything,
  nodes: { allow: { approval: payBack } },
  output: '/nodes/allow',
});

const hasty = defineGraph({
  name: 'hasty',
  input: anything,
  nodes: { allow: { approval: payBack, expiresMs: 300 } },
  output: '/nodes/allow',
});

const paid = defineGraph({
  name: 'paid',
  input: anything,
  nodes: { paid: { wait: { for: 'message', name: 'paid' } }, say: { agent: echo, input: { paid: '/nodes/paid' } } },
  output: '/nodes/say',
});

/** Reads messages until one of them is large enough. */
const reading = defineGraph({
  name: 'reading',
  input: z.object({}),
  nodes: {
    read: {
      repeat: defineGraph({
        name: 'reading-one',
        input: anything,
        nodes: { one: { wait: { for: 'message', name: 'number' } } },
        output: { number: '/nodes/one' },
      }),
      until: { pointer: '/output/number', is: 'gte', value: 99 },
      most: 500,
    },
  },
  output: '/nodes/read',
});

/** Three at once, for the same message. */
const thrice = defineGraph({
  name: 'thrice',
  input: anything,
  nodes: {
    one: { wait: { for: 'message', name: 'paid' } },
    two: { wait: { for: 'message', name: 'paid' } },
    three: { wait: { for: 'message', name: 'paid' } },
  },
  output: { one: '/nodes/one', two: '/nodes/two', three: '/nodes/three' },
});

const untilPaid = { wait: { for: 'message', name: 'paid' } } as const;

/** More nodes that wait than the width allows, before one that does not. */
const many = defineGraph({
  name: 'many-waits',
  input: anything,
  width: 1,
  nodes: {
    ...{ one: untilPaid, two: untilPaid, three: untilPaid, four: untilPaid },
    say: { agent: echo, input: { said: { value: 'done' } } },
  },
  output: '/nodes/say',
});

const timed = defineGraph({
  name: 'timed',
  input: z.object({ afterMs: z.number() }),
  nodes: { later: { wait: { for: 'time', afterMs: '/task/afterMs' } } },
  output: '/nodes/later',
});

const shipped = defineGraph({
  name: 'shipped',
  input: z.object({ order: z.string() }),
  nodes: {
    shipped: { wait: { for: 'event', name: 'shipped', key: '/task/order' } },
    any: { wait: { for: 'event', name: 'shipped' } },
  },
  output: { shipped: '/nodes/shipped', any: '/nodes/any' },
});

const anyShipped = defineGraph({
  name: 'any-shipped',
  input: anything,
  nodes: { any: { wait: { for: 'event', name: 'shipped' } } },
  output: '/nodes/any',
});

const plain = defineGraph({
  name: 'plain',
  input: anything,
  nodes: { say: { agent: echo, input: {} } },
  output: '/nodes/say',
});

const impatient = defineGraph({
  name: 'impatient',
  input: anything,
  nodes: {
    paid: { wait: { for: 'message', name: 'paid' }, expiresMs: 300 },
    say: { agent: echo, input: { paid: { pointer: '/nodes/paid', optional: true } } },
  },
  output: '/nodes/say',
});

const asking = defineGraph({
  name: 'asking-entities',
  input: anything,
  nodes: {
    ask: {
      collect: {
        entities: [
          { name: 'order', description: 'the number of the order', pattern: '^[A-Z]-[0-9]+$' },
          { name: 'count', description: 'how many' },
          { name: 'gift', description: '', required: false },
        ],
      },
      input: '/task',
    },
  },
  output: '/nodes/ask',
});

/** Fails after its waits for as long as `fails` says so, so that it can be redriven. */
const failing = defineGraph({
  name: 'failing-after',
  input: z.object({ fails: z.boolean() }),
  nodes: {
    allow: { approval: payBack },
    paid: { wait: { for: 'message', name: 'paid' } },
    fail: {
      agent: defineAgent({
        name: 'fail-once',
        input: anything,
        output: anything,
        handle: (given) => {
          if (failures.left > 0) {
            failures.left -= 1;
            throw Object.assign(new Error('not yet'), { retryable: false });
          }
          return given;
        },
      }),
      input: { allow: '/nodes/allow/approved', paid: '/nodes/paid' },
      budget: { maxRetries: 0 },
    },
  },
  output: '/nodes/fail',
});

export const failures = { left: 0 };

export const graphs = [
  ...[approving, onlyApproving, hasty, paid, thrice, timed, shipped, anyShipped, impatient, asking, failing, plain],
  ...[reading, many],
];
