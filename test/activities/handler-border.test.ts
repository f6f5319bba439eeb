import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineAgent, defineGraph, type HandlerContext, type Json, type TaskView } from '../../index.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { ended, runOf } from '../system/acceptance/views.ts';

type Behaviour = (context: HandlerContext) => unknown;

/** Things that a handler can throw, each called once and told in one sentence. */
const THROWN: Readonly<Record<string, readonly [thrown: () => unknown, message: RegExp | string]>> = {
  'the code of a limit with NaN': [() => ({ code: 'rate_limited', retryAfterMs: Number.NaN, message: 'slow' }), 'slow'],
  'the code of a limit with -5': [
    () => Object.assign(new Error('slow'), { code: 'rate_limited', facts: { retryAfterMs: -5 } }),
    'slow',
  ],
  'the code of a limit with 1e300': [
    () => Object.assign(new Error('slow'), { code: 'rate_limited', facts: { retryAfterMs: 1e300 } }),
    'slow',
  ],
  'the code of a claim': [() => Object.assign(new Error('mine'), { code: 'stale_fence', retryable: true }), 'mine'],
  'the code of an unknown handler': [() => Object.assign(new Error('x'), { code: 'handler_unknown' }), 'x'],
  'an error whose message is no text': [() => Object.assign(new Error('a'), { message: { a: 1 } }), /^Error without a/],
  'an error whose message cannot be read': [
    () => Object.defineProperty(new TypeError('a'), 'message', { get: () => assert.fail('unreadable') }),
    'TypeError without a message.',
  ],
  'an empty error': [() => new RangeError(''), 'RangeError without a message.'],
  'an aggregate': [
    () => new AggregateError([new Error('one'), 'two', { code: 3 }, new Error('four')]),
    'AggregateError: one; two; An object was thrown: {"code": 3}; and 1 more',
  ],
  'an object': [
    () => ({ status: 429, body: { error: 'busy' } }),
    'An object was thrown: {"status": 429, "body": {"error": "busy"}}',
  ],
  'an object without a prototype': [
    () => Object.assign(Object.create(null), { a: 12n }),
    'An object was thrown: {"a": 12}',
  ],
  'a revoked proxy': [
    () => {
      const { proxy, revoke } = Proxy.revocable({}, {});
      revoke();
      return proxy;
    },
    'An object was thrown: (it cannot be read)',
  ],
  undefined: [() => undefined, 'The value undefined was thrown.'],
  'a symbol': [() => Symbol('s'), 'The symbol Symbol(s) was thrown.'],
  'an empty text': [() => '', 'An empty text was thrown.'],
  'a text of 5 MB': [() => new Error('x'.repeat(5_000_000)), /^x{1999}…$/],
  'a text with a NUL': [() => new Error('a\u0000b\ud800'), 'a\ufffdb\ufffd'],
};

const circle: Record<string, unknown> = { a: [{}] };
circle.a = [{ circle }];

/** Things that a handler can return, and what is said of them. */
const RETURNED: Readonly<Record<string, readonly [value: () => unknown, message: RegExp]>> = {
  'a Map in a list': [() => ({ items: [0, 1, 2, { x: new Map([[1, 2]]) }] }), /a Map at \/items\/3\/x is not JSON\./],
  'a Set': [() => new Set([1]), /: a Set is not JSON\./],
  'a function': [() => () => 1, /: a function is not JSON\./],
  'a symbol': [() => ({ s: Symbol('s') }), /a symbol at \/s is not JSON\./],
  'a BigInt': [() => ({ rows: 12n }), /a BigInt at \/rows is not JSON\./],
  NaN: [() => [Number.NaN], /NaN at \/0 is not JSON\./],
  'a circle': [() => circle, /contains itself at .* is not JSON\./],
  'undefined in a list': [() => [1, undefined], /undefined at \/1 is not JSON\./],
  'a depth of 6,000': [
    () => Array.from({ length: 6_000 }).reduce<unknown>((inner) => [inner], null),
    /more than 500 levels deep/,
  ],
  'an error': [() => ({ cause: new Error('a') }), /an Error at \/cause is not JSON\./],
};

describe('the border between the runtime and the code of handlers', function () {
  this.timeout(60_000);
  const behaviours = new Map<string, Behaviour>();
  const calls = new Map<string, number>();
  let muster: MusterUnderTest;

  const run = (name: string, context: HandlerContext): unknown => {
    calls.set(name, (calls.get(name) ?? 0) + 1);
    return behaviours.get(name)?.(context);
  };
  const input = z.object({ name: z.string() });
  const parts = { input, retry: { firstMs: 5 } };
  const slow = defineAgent({
    ...parts,
    name: 'slow-border',
    output: z.unknown(),
    handle: ({ name }, context) => run(name, context),
  });
  const quick = defineAgent({
    ...parts,
    name: 'quick-border',
    quick: true,
    output: z.unknown(),
    handle: ({ name }, context) => run(name, context),
  });
  const oddSchema = (validate: (value: unknown) => unknown) => ({
    '~standard': { version: 1, vendor: 'odd', validate },
  });
  const oddlyOut = defineAgent({
    ...parts,
    name: 'oddly-out',
    output: oddSchema(() => ({ issues: 'none' })) as never,
    handle: ({ name }, context) => run(name, context) as never,
  });
  const oddlyIn = defineAgent({
    ...parts,
    name: 'oddly-in',
    input: oddSchema(() => {
      throw Object.create(null);
    }) as never,
    output: z.unknown(),
    handle: () => run('odd input', {} as HandlerContext),
  });
  const graphOf = (name: string, agent: typeof slow, maxRetries = 0) =>
    defineGraph({
      name,
      input,
      nodes: { work: { agent, input: '/task', budget: { maxRetries } } },
      output: '/nodes/work',
    });
  const graphs = [
    graphOf('border-slow', slow),
    graphOf('border-quick', quick as never),
    graphOf('border-again', slow, 1),
    graphOf('border-odd-out', oddlyOut as never),
    graphOf('border-odd-in', oddlyIn as never),
  ];

  before(async () => {
    muster = await openMuster('handler-border');
    await muster.work({ graphs });
  });
  after(() => muster?.close());

  const settle = async (graph: string, name: string, behaviour: Behaviour): Promise<TaskView> => {
    behaviours.set(name, behaviour);
    return ended(await muster.client.submit(graph, { name }));
  };
  const check = (
    view: TaskView,
    name: string,
    expected: { code: string; message: RegExp | string; calls?: number },
  ) => {
    const { status, error, attempts } = runOf(view, 'work');
    assert.equal(view.task.status, 'failed', name);
    assert.equal(error?.code, expected.code, `${name}: ${error?.message}`);
    if (typeof expected.message === 'string') assert.equal(error?.message, expected.message, name);
    else assert.match(error?.message ?? '', expected.message, name);
    assert.equal(calls.get(name), expected.calls ?? 1, `${name}: calls`);
    assert.equal(attempts, expected.calls ?? 1, `${name}: attempts, ${status}`);
  };

  for (const kind of ['slow', 'quick']) {
    it(`takes whatever a ${kind} handler throws for its own failure, once, with a sentence`, async () => {
      const thrown = Object.entries(THROWN).map(
        ([name, [make, message]]) => [`${kind}, ${name}`, make, message] as const,
      );
      const views = await Promise.all(
        thrown.map(([name, make]) =>
          settle(`border-${kind}`, name, () => {
            throw make();
          }),
        ),
      );

      for (const [index, [name, , message]] of thrown.entries()) {
        const view = views[index];
        assert.ok(view);
        check(view, name, { code: 'handler_failed', message });
      }
    });

    it(`refuses what a ${kind} handler returns that is not JSON, with its place`, async () => {
      const returned = Object.entries(RETURNED).map(
        ([name, [make, message]]) => [`${kind} gives ${name}`, make, message] as const,
      );
      const views = await Promise.all(returned.map(([name, make]) => settle(`border-${kind}`, name, make)));

      for (const [index, [name, , message]] of returned.entries()) {
        const view = views[index];
        assert.ok(view);
        check(view, name, { code: 'handler_output_invalid', message });
      }
    });

    it(`refuses what a ${kind} handler reports that cannot be kept, and does not call it again`, async () => {
      const wrong: Record<string, [Behaviour, RegExp]> = {
        heartbeat: [({ heartbeat }) => heartbeat({ rows: 12n } as never), /context\.heartbeat .* a BigInt at \/rows/],
        'a huge heartbeat': [({ heartbeat }) => heartbeat('x'.repeat(70_000)), /70002 characters/],
        artifact: [(context) => context.writeArtifact({ name: '', mediaType: 'a', content: '' }), /as name\./],
        content: [
          (context) => context.writeArtifact({ name: 'a', mediaType: 'a', content: 5 as never }),
          /a text or a Uint8Array/,
        ],
        effect: [
          (context) => context.effect('a', { request: { n: 1n } as never, call: async () => 1, whenInDoubt: 'stop' }),
          /its request: a BigInt at \/n/,
        ],
        step: [
          (context) => context.effect({} as never, { request: 1, call: async () => 1, whenInDoubt: 'stop' }),
          /name of its step/,
        ],
      };
      for (const [name, [behaviour, message]] of Object.entries(wrong)) {
        const title = `${kind}: ${name}`;
        check(await settle(`border-${kind}`, title, behaviour), title, { code: 'handler_call_invalid', message });
      }
    });
  }

  it('never fails a handler for what it logs, and lets it name no other task', async () => {
    const view = await settle('border-slow', 'log', ({ log, taskId }) => {
      log.warn({ rows: 12n, taskId: 'another' } as never, 5 as never);
      log.info(null as never, 'x'.repeat(100_000));
      return { taskId };
    });

    assert.equal(view.task.status, 'completed');
  });

  it('takes a schema that throws, or answers what none may, for a fault of the value', async () => {
    const out = await settle('border-odd-out', 'odd output', () => 1);
    const into = await settle('border-odd-in', 'odd input', () => 1);

    check(out, 'odd output', { code: 'handler_output_invalid', message: /neither a value nor a list of issues/ });
    assert.equal(into.task.error?.code, 'handler_input_invalid');
    assert.match(into.task.error?.message ?? '', /the schema threw: An object was thrown: \{\}/);
    assert.equal(calls.get('odd input'), undefined);
  });

  it('does an effect once whose step is asked for twice at the same time', async () => {
    let effects = 0;
    const view = await settle('border-slow', 'twice', (context) => {
      const ask = () =>
        context.effect('pay', {
          request: { amount: 5 },
          whenInDoubt: 'stop',
          call: async () => {
            effects += 1;
            return { receipt: effects };
          },
        });
      return Promise.all([ask(), ask(), ask()]);
    });

    assert.deepEqual(view.output, [{ receipt: 1 }, { receipt: 1 }, { receipt: 1 }]);
    assert.equal(effects, 1);
  });

  it('records that an effect has happened whose result cannot be kept, and never calls it again', async () => {
    let effects = 0;
    const view = await settle('border-again', 'unkept', async (context) => {
      const call = async () => {
        effects += 1;
        return new Map() as unknown as Json;
      };
      try {
        await context.effect('pay', { request: 1, whenInDoubt: 'repeat', call });
      } catch (error) {
        if (context.attempt === 1) throw new Error('another fault');
        throw error;
      }
    });

    check(view, 'unkept', { code: 'effect_result_invalid', message: /has happened, .* a Map is not JSON/, calls: 2 });
    assert.equal(effects, 1);
  });
});
