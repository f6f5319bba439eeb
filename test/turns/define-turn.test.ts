import assert from 'node:assert/strict';
import { z } from 'zod';
import { defineAgent, hasErrorCode } from '../../index.ts';
import { defineTurn } from '../../turns/define-turn.ts';

const agent = defineAgent({
  ...{ name: 'anybody', input: z.unknown(), output: z.unknown() },
  handle: () => 'yes',
});

describe('the definition of a turn', () => {
  it('is a graph that is validated like any other', () => {
    const { definition } = defineTurn({ name: 'least', routes: { only: agent } });

    assert.deepEqual(
      definition.nodes.map(({ id }) => id),
      ['decide', 'gather', 'answer', 'end'],
    );
  });

  it('C003: names every fault at once', () => {
    const wrong = {
      ...{ name: 'No', routes: { 'Bad Name': agent, ok: 7 }, fallback: 'nowhere', temperature: 3, context: { a: {} } },
      ...{ critic: { agent, minScore: 2, revisions: 3, routes: ['x'] }, prompt: 'hello' },
      canary: { routes: { x: agent }, percent: 101, window: 5, minimum: 9, failureRate: -1, cooldownSeconds: 0 },
    };

    assert.throws(
      () => defineTurn(wrong as never),
      (error: Error) => {
        assert.ok(hasErrorCode(error) && error.code === 'turn_definition_invalid');
        const expected = [
          ...['a name like ^[a-z][a-z0-9-]{0,55}$', 'in routes', 'an agent or a graph as routes.ok', 'as fallback'],
          ...['as temperature', 'an agent as context.a', 'critic.minScore', 'critic.revisions', 'critic.routes'],
          ...['in canary.routes', 'canary.percent', 'canary.window', 'canary.minimum', 'canary.failureRate'],
          ...['canary.cooldownSeconds', 'one of name, description, routes'],
        ];
        for (const part of expected) assert.ok(error.message.includes(part), `${part} in ${error.message}`);
        return true;
      },
    );
  });

  it('refuses no routes at all', () => {
    assert.throws(() => defineTurn({ name: 'none', routes: {} }), /1 to 20 routes by their names/);
  });
});
