import assert from 'node:assert/strict';
import { asInput } from '../../operations/tasks/check-input.ts';

describe('the input of a submit', () => {
  it('is an empty object when it is left out, as the register says', () => {
    assert.deepEqual(asInput(undefined), {});
  });

  it('is refused when it is given and is not an object', () => {
    for (const [given, found] of [
      [null, 'null'],
      [[], 'a list'],
      ['text', 'string'],
    ]) {
      assert.throws(() => asInput(given), { code: 'input_invalid', message: new RegExp(`found ${found}`) });
    }
  });
});
