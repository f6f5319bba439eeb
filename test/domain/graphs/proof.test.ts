import assert from 'node:assert/strict';
import { z } from 'zod';
import type { Happened, ProofOptions } from '../../../domain/graphs/proof/proof.ts';
import { prove } from '../../../domain/graphs/proof/prove.ts';
import type { RecordedRun } from '../../../domain/traces/canonical.ts';
import type { Json } from '../../../index.ts';
import { defineAgent, defineGraph, defineTool } from '../../../index.ts';
import { innerInputFault } from '../../../operations/graphs/inner-inputs.ts';

const any = { input: z.any(), output: z.any(), handle: () => null };
const one = defineAgent({ name: 'one', ...any });
const two = defineAgent({ name: 'two', ...any });
const tool = defineTool({ name: 'one', risk: 'read_only', ...any });
const reads = (pointer: string) => ({ agent: two, input: { of: pointer } });

const graph = (nodes: object, output: unknown = '/nodes/last') =>
  defineGraph({ name: 'g', input: z.looseObject({}), nodes, output } as never).definition;
const ended = (path: string, output: Json, more: Partial<RecordedRun> = {}): RecordedRun => ({
  ...{ path, kind: 'agent', performer: 'one', status: 'ok', outcome: null, output, error: null },
  ...more,
});
const happened = (runs: readonly RecordedRun[], open: Happened['open'] = []): Happened => ({
  task: {},
  ended: runs,
  open,
});
const proof = (nodes: object, what: Happened, stands: ProofOptions['stands'] = 'all', output?: unknown) =>
  prove(graph(nodes, output), what, { stands, checkInner: innerInputFault });
const message = (...given: Parameters<typeof proof>) => {
  const { breaks } = proof(...given);
  return breaks === null ? null : `${breaks.path}: ${breaks.message}`;
};

const first = { agent: one, input: {} };

describe('the proof of a version', () => {
  it('lets a task continue with what has ended, and assumes what is still to come', () => {
    const { breaks, stood, assumed } = proof(
      { first, last: reads('/nodes/first/a') },
      happened([ended('first', { a: 1 })]),
    );

    assert.deepEqual([breaks, stood, assumed], [null, ['first'], ['last']]);
  });

  it('names the run that reads what was not recorded, and not one that reads it optionally', () => {
    const what = happened([ended('first', { a: 1 })]);
    const optional = { agent: two, input: { of: { pointer: '/nodes/first/b', optional: true } } };

    assert.equal(
      message({ first, last: reads('/nodes/first/b') }, what),
      'last: It cannot be given its input: /nodes/first/b has no value.',
    );
    assert.equal(message({ first, last: optional }, what), null);
  });

  it('names the run behind others that are still to come', () => {
    const nodes = {
      first,
      mid: reads('/nodes/first/a'),
      last: { agent: two, input: { a: '/nodes/mid/x', b: '/nodes/first/b' } },
    };

    assert.match(message(nodes, happened([ended('first', { a: 1 })])) ?? '', /^last: It cannot/);
  });

  it('asks of what has begun that it finds its node again, of the same kind and with the same agent', () => {
    const open = (performer: string, kind = 'agent') => happened([], [{ path: 'first', kind, performer }]);

    assert.equal(message({ last: first }, open('one')), 'first: It has begun, and this version has no such node.');
    assert.match(
      message({ first, last: reads('/nodes/first') }, open('two')) ?? '',
      /begun as the agent "two", and is the agent "one"/,
    );
    assert.match(message({ first, last: reads('/nodes/first') }, open('one', 'tool')) ?? '', /begun as the tool "one"/);
    assert.equal(message({ first, last: reads('/nodes/first') }, open('one')), null);
  });

  it('lets what another agent has made stand as long as nothing reads it', () => {
    const what = happened([ended('first', { a: 1 }, { performer: 'two' })]);

    assert.match(
      message({ first, last: reads('/nodes/first/a') }, what) ?? '',
      /^last: It reads "first", which the agent "two" has made and which is the agent "one" in this version\.$/,
    );
    assert.equal(message({ first, last: { ...reads('/task/x'), input: {}, after: ['first'] } }, what), null);
    assert.match(
      message({ first, last: { tool, input: {} } }, what, 'all', '/nodes/first') ?? '',
      /^null: The output reads "first"/,
    );
  });

  it('breaks what ended as a node of another kind', () => {
    assert.match(
      message({ first: { tool, input: {} }, last: reads('/nodes/first') }, happened([ended('first', 1)])) ?? '',
      /ended as a node of the kind agent/,
    );
  });

  it('tries both branches of a condition that nothing is known of', () => {
    const condition = { pointer: '/nodes/open/n', is: 'gte', value: 5 };
    const nodes = (no: object) => ({
      ...{ first, open: first, check: { condition } },
      ...{ yes: { ...reads('/nodes/first/b'), when: { check: 'true' } }, no: { ...no, when: { check: 'false' } } },
    });
    const output = { of: { pointer: '/nodes/no', optional: true } };
    const what = happened([ended('first', { a: 1 })]);

    assert.equal(message(nodes(reads('/nodes/first/a')), what, 'all', output), null);
    assert.match(message(nodes(reads('/nodes/first/c')), what, 'all', output) ?? '', /^yes: It cannot/);
  });

  it('evaluates a recorded condition again for a new task only', () => {
    const nodes = {
      first,
      check: { condition: { pointer: '/nodes/first/a', is: 'equals', value: 2 } },
      last: { ...reads('/nodes/first/a'), when: { check: 'true' } },
    };
    const check = ended('check', true, { kind: 'condition', performer: 'check', outcome: 'true' });
    const what = happened([ended('first', { a: 1 }), check]);

    assert.equal(message(nodes, what, 'all'), null);
    assert.match(message(nodes, what, 'handlers') ?? '', /output is missing/);
  });

  it('names an item by its path, and the schema that refuses it', () => {
    const inner = defineGraph({
      name: 'inner',
      input: z.object({ item: z.number() }),
      nodes: { in: { agent: two, input: { of: '/task/item' } } },
      output: '/nodes/in',
    });
    const nodes = { first, last: { each: inner, items: '/nodes/first/list' } };

    assert.equal(message(nodes, happened([ended('first', { list: [1, 2] })])), null);
    assert.match(
      message(nodes, happened([ended('first', { list: [1, 'two'] })])) ?? '',
      /^last: The input of \/nodes\/last\[1\] does not fit/,
    );
  });

  it('proves nothing of items that may be none, unless none leads nowhere', () => {
    const inner = defineGraph({
      name: 'inner',
      input: z.looseObject({}),
      nodes: { in: { agent: two, input: { of: '/task/gone' } } },
      output: '/nodes/in',
    });
    const nodes = (pointer: string) => ({
      first,
      all: { each: inner, items: '/nodes/first/list' },
      last: reads(pointer),
    });

    assert.equal(message(nodes('/nodes/all'), happened([])), null);
    assert.match(
      message(nodes('/nodes/all/0'), happened([])) ?? '',
      /^last: It cannot be given its input: \/nodes\/all\/0 has no value/,
    );
  });
});
