import assert from 'node:assert/strict';
import fc from 'fast-check';
import { z } from 'zod';
import type { GraphDefinition } from '../../../domain/graphs/definition.ts';
import { planFork } from '../../../domain/graphs/fork-plan.ts';
import { performerOf } from '../../../domain/graphs/kinds/kind-table.ts';
import { replayTrace } from '../../../domain/graphs/replay.ts';
import type { Replayed } from '../../../domain/graphs/replayed.ts';
import { nodeOfRun } from '../../../domain/graphs/scope.ts';
import type { RecordedRun, RecordedTrace } from '../../../domain/traces/canonical.ts';
import type { RunStatus } from '../../../domain/traces/trace-status.ts';
import { defineAgent, defineGraph } from '../../../index.ts';
import { anyGraph } from '../support/graphs.ts';
import { blocking, carriedOut, nested, type Schedule } from '../support/recorded-traces.ts';

const any = z.unknown();
const worker = defineAgent({ name: 'worker', input: any, output: any, handle: () => null });

const inner = defineGraph({
  name: 'inner',
  input: any,
  nodes: { draft: { agent: worker, input: { item: '/task/item' } }, polish: { agent: worker, input: '/nodes/draft' } },
  output: '/nodes/polish',
});
const rounds = defineGraph({
  name: 'rounds',
  input: any,
  nodes: { try: { agent: worker, input: { before: '/task/previous' } }, judge: { agent: worker, input: '/nodes/try' } },
  output: '/nodes/judge',
});
const whole = defineGraph({
  name: 'whole',
  input: any,
  nodes: {
    read: { agent: worker, input: { text: '/task/text' } },
    aside: { agent: worker, input: { text: '/task/text' } },
    each: { each: inner, items: '/nodes/read/items' },
    loop: { repeat: rounds, until: { pointer: '/output/good', is: 'truthy' }, most: 9, input: { text: '/nodes/read' } },
    join: { agent: worker, input: { each: '/nodes/each', loop: { pointer: '/nodes/loop', optional: true } } },
  },
  output: '/nodes/join',
}).definition;

const AGENT_RUNS = ['read', 'aside', 'each[0]/draft', 'each[0]/polish', 'each[1]/draft', 'each[1]/polish', 'join'];
const ROUNDS = [0, 1, 2].flatMap((round) => [`loop[${round}]/try`, `loop[${round}]/judge`]);

function runsWith(statuses: Readonly<Record<string, RunStatus>> = {}) {
  const agents = [...AGENT_RUNS, ...ROUNDS].map((path) => ({ path, kind: 'agent', performer: 'worker' }));
  const containers = ['each', 'loop'].map((path) => ({
    path,
    kind: path === 'each' ? 'each' : 'repeat',
    performer: path,
  }));
  return [...agents, ...containers].map((run) => ({
    ...run,
    status: statuses[run.path] ?? ('ok' as const),
    error: null,
  }));
}

function takenAt(at: string, statuses: Readonly<Record<string, RunStatus>> = {}, to = whole) {
  const plan = planFork({ from: whole, to, runs: runsWith(statuses), at });
  return plan === null ? null : new Set(plan.takenOver);
}

const anySchedule: fc.Arbitrary<Schedule> = fc.record({
  picks: fc.array(fc.nat(), { minLength: 20, maxLength: 60 }),
  failures: fc.integer({ min: 0, max: 12 }),
  stopAfter: fc.option(fc.integer({ min: 0, max: 30 }), { freq: 4 }),
});

/** Carries out what a record leaves open, again and again, as agents do that answer the same whenever they are asked. */
function goOn(graph: GraphDefinition, record: RecordedTrace): Replayed {
  const replayed = replayTrace(graph, record);
  const open = replayed.open.filter((path) => !record.runs.some((run) => run.path === path));
  if (open.length === 0) return replayed;
  const more = open.map((path): RecordedRun => {
    const { kind } = nodeOfRun(graph, path);
    const made = { status: 'ok', outcome: null, output: { from: path }, error: null } as const;
    return { path, kind, performer: performerOf(nodeOfRun(graph, path)), ...made };
  });
  return goOn(graph, { ...record, runs: [...record.runs, ...more] });
}

function textOf(runs: readonly RecordedRun[]): string {
  const ended = runs.filter(({ status }) => status !== 'skipped');
  return JSON.stringify(ended.map(({ path, output }) => [path, output]).sort());
}

describe('the plan of a fork', () => {
  it('takes over what does not follow from the point', () => {
    assert.deepEqual(takenAt('join'), new Set([...AGENT_RUNS.slice(0, -1), ...ROUNDS, 'each', 'loop']));
    assert.deepEqual(takenAt('read'), new Set(['aside']));
  });

  it('takes over the other elements of an each, which itself runs again with what follows', () => {
    const taken = takenAt('each[1]/draft');

    assert.deepEqual(taken, new Set(['read', 'aside', 'each[0]/draft', 'each[0]/polish', ...ROUNDS, 'loop']));
    assert.ok(takenAt('each[1]/polish')?.has('each[1]/draft'));
  });

  it('takes over the rounds before that of the point, and none after it', () => {
    const taken = takenAt('loop[1]/judge');

    const within = [...(taken ?? [])].filter((path) => path.startsWith('loop'));
    assert.deepEqual(within, ['loop[0]/try', 'loop[0]/judge', 'loop[1]/try']);
    assert.ok(taken?.has('each') && !taken.has('join'));
  });

  it('runs again what has failed, unless that is tolerated, and what has not ended', () => {
    const taken = takenAt('join', {
      'each[0]/polish': 'fatal_error',
      each: 'fatal_error',
      loop: 'fatal_error',
      aside: 'running',
    });

    assert.equal(taken?.has('each[0]/polish'), false);
    assert.equal(taken?.has('each'), false);
    assert.equal(taken?.has('aside'), false);
    assert.equal(taken?.has('each[0]/draft'), true);
    assert.equal(taken?.has('loop'), true, 'join reads it optionally');
  });

  it('runs again what the new version changes, and what follows from that', () => {
    const node = whole.nodes.find(({ id }) => id === 'read') as (typeof whole.nodes)[number];
    const changed = { ...node, input: { fields: { text: { pointer: '/task/other' } } } } as typeof node;
    const to = { ...whole, nodes: whole.nodes.map((one) => (one.id === 'read' ? changed : one)) };

    assert.deepEqual(takenAt('join', {}, to), new Set(['aside']));
    assert.equal(takenAt('gone', {}, to), null);
  });

  it('knows no run of another path', () => {
    for (const at of [
      '',
      'nobody',
      'each/draft',
      'each[0]',
      'join[0]',
      'join/x',
      '../read',
      'read ',
      'each[01]/draft',
    ]) {
      assert.equal(takenAt(at), null, at);
    }
  });

  it('fits its graph, whatever failed before: all that is taken over has its place in the trace that continues', () => {
    fc.assert(
      fc.property(anyGraph, anyGraph, anySchedule, fc.nat(), (outer, inner, schedule, place) => {
        const graph = nested(blocking(outer), blocking(inner));
        const trace = carriedOut(graph, schedule);
        const begun = trace.runs.filter(({ status }) => status !== 'skipped');
        const at = begun[place % Math.max(1, begun.length)]?.path ?? graph.nodes[0]?.id ?? '';

        const plan = planFork({ from: graph, to: graph, runs: trace.runs, at });

        const taken = new Set(plan?.takenOver);
        const { task } = trace;
        const whole = goOn(graph, { task, runs: trace.runs.filter(({ path }) => taken.has(path)), end: null });
        assert.ok(!taken.has(at));
        assert.deepEqual(whole.divergences, []);
        const failed = trace.runs.some(({ status }) => status !== 'ok' && status !== 'skipped');
        if (!failed && trace.end?.status === 'completed') assert.equal(textOf(whole.runs), textOf(trace.runs));
      }),
      { numRuns: 200 },
    );
  });

  it('names what may run for the first time', () => {
    const runs = runsWith().filter(({ path }) => path !== 'join' && !path.startsWith('loop'));

    const plan = planFork({ from: whole, to: whole, runs, at: 'each[1]/polish' });

    assert.deepEqual(plan?.again, ['each[1]/polish', 'each']);
    assert.deepEqual(plan?.further, ['loop', 'loop/try', 'loop/judge', 'join']);
  });
});
