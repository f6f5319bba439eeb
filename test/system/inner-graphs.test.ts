import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineAgent, defineGraph, type TaskView } from '../../index.ts';
import { eventually } from '../support/eventually.ts';
import { type MusterUnderTest, openMuster } from '../support/muster.ts';
import { ended } from './acceptance/views.ts';

const number = z.object({ n: z.number() });
const calls: string[] = [];
let hold: () => Promise<void> = async () => undefined;

const double = defineAgent({
  name: 'inner-double',
  input: number,
  output: number,
  quick: true,
  handle: ({ n }) => ({ n: n * 2 }),
});
const grow = defineAgent({
  name: 'inner-grow',
  input: z.object({ before: number.nullable(), start: z.number() }),
  output: number,
  quick: true,
  handle: ({ before, start }) => ({ n: (before?.n ?? start) + 1 }),
});
const slowly = defineAgent({
  name: 'inner-slowly',
  input: number,
  output: number,
  handle: async ({ n }, context) => {
    calls.push(context.nodeId);
    await hold();
    if (n < 0) throw new Error('a negative number');
    const key = await context.effect('add', { request: { n }, whenInDoubt: 'repeat', call: async (effect) => effect });
    assert.match(String(key), /\/add$/);
    return { n: n + 1 };
  },
});

const both = defineGraph({
  name: 'inner-both',
  input: number,
  nodes: {
    slow: { agent: slowly, input: { n: '/task/n' } },
    twice: { agent: double, input: { n: '/nodes/slow/n' } },
  },
  output: { n: '/nodes/twice/n' },
});
const perItem = defineGraph({
  name: 'inner-per-item',
  input: z.object({ item: z.number(), index: z.number(), plus: z.number() }),
  nodes: { twice: { agent: double, input: { n: '/task/item' } } },
  output: { n: '/nodes/twice/n', index: '/task/index', plus: '/task/plus' },
});
const perItemSlowly = defineGraph({
  name: 'inner-per-item-slowly',
  input: z.object({ item: z.number() }),
  nodes: { deep: { graph: both, input: { n: '/task/item' } } },
  output: '/nodes/deep/n',
});
const round = defineGraph({
  name: 'inner-round',
  input: z.object({ previous: z.unknown(), iteration: z.number(), start: z.number() }),
  nodes: { grow: { agent: grow, input: { before: '/task/previous', start: '/task/start' } } },
  output: '/nodes/grow',
});
const roundSlowly = defineGraph({
  name: 'inner-round-slowly',
  input: z.object({ iteration: z.number() }),
  nodes: { slow: { agent: slowly, input: { n: '/task/iteration' } } },
  output: { n: '/nodes/slow/n' },
});
const roundAtMostOnce = defineGraph({
  name: 'inner-round-at-most-once',
  input: z.object({ iteration: z.number().max(0) }),
  nodes: { slow: { agent: slowly, input: { n: '/task/iteration' } } },
  output: { n: '/nodes/slow/n' },
});

const graphs = {
  sub: defineGraph({
    name: 'with-sub-graph',
    input: number,
    nodes: {
      inner: { graph: both, input: { n: '/task/n' } },
      after: { agent: double, input: { n: '/nodes/inner/n' } },
    },
    output: '/nodes/after',
  }),
  each: defineGraph({
    name: 'with-each',
    input: z.object({ numbers: z.unknown() }),
    nodes: { all: { each: perItem, items: '/task/numbers', width: 8, input: { plus: { value: 5 } } } },
    output: { all: '/nodes/all' },
  }),
  eachSlowly: defineGraph({
    name: 'with-each-slowly',
    input: z.object({ numbers: z.array(z.number()) }),
    nodes: { all: { each: perItemSlowly, items: '/task/numbers', width: 2 } },
    output: { all: '/nodes/all' },
  }),
  repeat: defineGraph({
    name: 'with-repeat',
    input: z.object({ most: z.number() }),
    nodes: {
      loop: {
        repeat: roundSlowly,
        until: { pointer: '/output/n', is: 'gte', value: 4 },
        most: 5,
      },
    },
    output: '/nodes/loop',
  }),
  unsuited: defineGraph({
    name: 'with-unsuited-round',
    input: z.object({}),
    nodes: { loop: { repeat: roundAtMostOnce, until: { pointer: '/output/n', is: 'gt', value: 9 } } },
    output: '/nodes/loop',
  }),
  exhausted: defineGraph({
    name: 'with-repeat-exhausted',
    input: z.object({}),
    nodes: {
      loop: {
        repeat: round,
        until: { pointer: '/output/n', is: 'gt', value: 1_000 },
        most: 3,
        input: { start: { value: 1 } },
      },
    },
    output: '/nodes/loop',
  }),
};

describe('graphs within graphs', () => {
  let muster: MusterUnderTest;

  before(async () => {
    muster = await openMuster('inner-graphs');
    await muster.work({ graphs: Object.values(graphs) });
  });
  after(() => muster?.close());
  beforeEach(() => {
    calls.length = 0;
    hold = async () => undefined;
  });

  const run = async (graph: string, input: Record<string, unknown>): Promise<TaskView> => {
    return ended(await muster.client.submit(graph, input as never));
  };
  const pathsOf = (view: TaskView) =>
    Object.fromEntries(view.traces[0]?.runs.map((each) => [each.path, each.status]) ?? []);

  it('run a sub-graph under its path: its input and its output are the node’s', async () => {
    const view = await run('with-sub-graph', { n: 3 });

    assert.deepEqual(view.output, { n: 16 });
    assert.deepEqual(pathsOf(view), { inner: 'ok', 'inner/slow': 'ok', 'inner/twice': 'ok', after: 'ok' });
    assert.deepEqual(calls, ['inner/slow']);
  });

  it('run a graph for each of a thousand items, in order, and refuse what is no list before anything runs', async () => {
    const numbers = Array.from({ length: 1_000 }, (_, index) => index);
    const view = await run('with-each', { numbers });
    const empty = await run('with-each', { numbers: [] });
    const wrong = await run('with-each', { numbers: 'none' });
    const long = await run('with-each', { numbers: [...numbers, 1] });

    const expected = numbers.map((n, index) => ({ n: n * 2, index, plus: 5 }));
    assert.deepEqual(view.output, { all: expected });
    assert.equal(Object.keys(pathsOf(view)).length, 1_001);
    assert.deepEqual(empty.output, { all: [] });
    assert.deepEqual(
      [wrong.task.error?.code, long.task.error?.code],
      ['handler_input_invalid', 'handler_input_invalid'],
    );
    assert.deepEqual(pathsOf(wrong), { all: 'fatal_error' });
  });

  it('begin with what fits their input schema alone: an item or a round that does not is named by its place', async () => {
    const item = await run('with-each', { numbers: [1, 2, 3, 'four', 5] });
    const later = await run('with-unsuited-round', {});

    assert.deepEqual(item.task.error, {
      code: 'handler_input_invalid',
      message: 'The input of /nodes/all[3] does not fit the graph "inner-per-item": /item must be number.',
      node: 'all',
    });
    assert.deepEqual(pathsOf(item), { all: 'fatal_error' });
    assert.match(later.task.error?.message ?? '', /^The input of \/nodes\/loop\[1\] .* \/iteration must be <= 0\.$/);
    assert.deepEqual(pathsOf(later), { loop: 'fatal_error', 'loop[0]/slow': 'ok' });
  });

  it('run slow nodes of inner graphs in activities under their paths, within the width', async () => {
    let most = 0;
    let now = 0;
    hold = async () => {
      now += 1;
      most = Math.max(most, now);
      // The first waits for a second one to run beside it.
      await eventually(() => calls.length >= 2);
      now -= 1;
    };
    const view = await run('with-each-slowly', { numbers: [1, 2, 3, 4, 5] });

    assert.deepEqual(view.output, { all: [4, 6, 8, 10, 12] });
    assert.deepEqual(
      calls.toSorted(),
      [0, 1, 2, 3, 4].map((index) => `all[${index}]/deep/slow`),
    );
    assert.equal(most, 2);
  });

  it('fail with the element that fails, and tell which', async () => {
    const view = await run('with-each-slowly', { numbers: [1, -1, 3, 4] });

    assert.equal(view.task.status, 'failed');
    assert.match(view.task.error?.message ?? '', /all\[1\]\/deep.*a negative number/);
    assert.equal(view.task.error?.node, 'all');
    const paths = pathsOf(view);
    assert.equal(paths['all[1]/deep/slow'], 'retryable_error');
    assert.equal(paths.all, 'retryable_error');
  });

  it('repeat a graph until its output suits', async () => {
    const view = await run('with-repeat', { most: 1 });

    assert.deepEqual(view.output, { n: 4 });
    assert.deepEqual(calls, ['loop[0]/slow', 'loop[1]/slow', 'loop[2]/slow', 'loop[3]/slow']);
  });

  it('hand the output of a round to the next, and fail after the most rounds', async () => {
    const view = await run('with-repeat-exhausted', {});

    assert.equal(view.task.error?.code, 'rounds_exhausted');
    assert.deepEqual(pathsOf(view), {
      loop: 'fatal_error',
      'loop[0]/grow': 'ok',
      'loop[1]/grow': 'ok',
      'loop[2]/grow': 'ok',
    });
    assert.match(view.task.error?.message ?? '', /after 3 rounds/);
  });

  it('end with a cancel: what runs is told, what has not begun leaves nothing', async () => {
    const gate = Promise.withResolvers<void>();
    hold = () => gate.promise;
    const task = await muster.client.submit('with-each-slowly', { numbers: [1, 2, 3, 4] });
    await eventually(() => calls.length === 2);
    await task.cancel();
    gate.resolve();
    const view = await ended(task);

    assert.equal(view.task.status, 'cancelled');
    assert.equal(
      view.traces[0]?.runs.every(({ finishedAt }) => finishedAt !== null),
      true,
    );
    assert.equal(calls.length, 2);
  });

  it('continue where they were when a failed task is redriven, effects included', async () => {
    const first = await muster.client.submit('with-each-slowly', { numbers: [1, -1] });
    await ended(first);
    const again = await muster.client.redrive(first.id);

    assert.ok(again);
    const view = await ended(first);
    assert.equal(view.traces.length, 2);
  });

  it('show a container with the count of what has ended, and wait while the task is paused', async () => {
    const gate = Promise.withResolvers<void>();
    hold = () => gate.promise;
    const task = await muster.client.submit('with-each-slowly', { numbers: [1, 2, 3] });
    await eventually(() => calls.length === 2);
    await task.pause();
    gate.resolve();
    await eventually(async () => (await task.read()).status === 'paused');
    await eventually(async () => (await task.progress()).nodes.all?.inner?.begun === 2);
    await task.resume();
    const view = await ended(task);

    assert.deepEqual(view.output, { all: [4, 6, 8] });
  });
});
