import assert from 'node:assert/strict';
import { isUuid } from '../../domain/ids.ts';
import { derivedId } from '../../messaging/message-ids.ts';

describe('a derived id', () => {
  it('is a UUID, always the same one for the same parts, and another one for others', () => {
    assert.ok(isUuid(derivedId('step', 'a')));
    assert.equal(derivedId('step', 'a'), derivedId('step', 'a'));
    assert.notEqual(derivedId('ab', 'c'), derivedId('a', 'bc'));
  });
});
