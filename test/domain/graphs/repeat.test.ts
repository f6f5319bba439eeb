import assert from 'node:assert/strict';
import type { Condition, RepeatNode } from '../../../domain/graphs/definition.ts';
import { repeat } from '../../../domain/graphs/kinds/repeat.ts';

describe('a repeat', () => {
  const turn = (until: Condition) => repeat.container?.turn({ until, most: 3 } as RepeatNode, [{ n: 1 }], 3);
  const exhausted = 'The condition did not hold after 3 rounds, the most that are allowed.';

  it('fails after its last round, and says once which pointers find nothing', () => {
    const lost: Condition = { pointer: '/output/nope', is: 'gt', value: 1 };
    const found: Condition = { pointer: '/output/n', is: 'gt', value: 1 };

    assert.deepEqual(turn({ all: [lost, found, lost] }), {
      ok: false,
      code: 'rounds_exhausted',
      message: `${exhausted} /output/nope is not in the output.`,
    });
    assert.deepEqual(turn(found), { ok: false, code: 'rounds_exhausted', message: exhausted });
  });
});
