import assert from 'node:assert/strict';
import fc from 'fast-check';
import { SecretBox, type SecretPlace } from '../../database/secret-box.ts';

const KEY = '0f'.repeat(32);
const PLACE: SecretPlace = { tenant: 'acme', purpose: 'provider key', name: 'main/' };
const unreadable = { code: 'secret_unreadable' };

describe('a secret box', () => {
  const box = new SecretBox(KEY);

  it('C018: opens what it sealed, with a nonce of its own each time', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (secret) => {
        const [one, other] = [box.seal(secret, PLACE), box.seal(secret, PLACE)];

        assert.notEqual(one, other);
        assert.match(one, /^enc:v1:[A-Za-z0-9+/]+=*$/);
        assert.equal(box.open(one, PLACE), secret.toWellFormed());
      }),
    );
  });

  it('C018: opens nothing that was changed, cut, lengthened or given a short tag, at 2,000 places', () => {
    const sealed = box.seal('sk-canary', PLACE);
    const bytes = Buffer.from(sealed.slice('enc:v1:'.length), 'base64');
    const put = (changed: Uint8Array) => `enc:v1:${Buffer.from(changed).toString('base64')}`;
    const flipped = fc.tuple(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 })).map(([at, bits]) => {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ bits;
      return put(changed);
    });
    const cut = fc.nat(bytes.length - 1).map((length) => put(bytes.subarray(0, length)));
    const longer = fc.uint8Array({ minLength: 1, maxLength: 20 }).map((more) => put(Buffer.concat([bytes, more])));
    const shortTag = fc.integer({ min: 4, max: 15 }).map((length) => {
      return put(Buffer.concat([bytes.subarray(0, 12 + length), bytes.subarray(28)]));
    });

    fc.assert(
      fc.property(fc.oneof(flipped, cut, longer, shortTag), (changed) => {
        assert.throws(() => box.open(changed, PLACE), unreadable);
      }),
      { numRuns: 2_000 },
    );
    assert.throws(() => box.open(`${sealed} `, PLACE), unreadable);
  });

  it('C018: opens nothing at another place, and nothing with another key', () => {
    const sealed = box.seal('sk-canary', PLACE);

    for (const other of [{ tenant: 'beta' }, { purpose: 'token' }, { name: 'main/ada' }]) {
      assert.throws(() => box.open(sealed, { ...PLACE, ...other }), unreadable);
    }
    assert.throws(() => new SecretBox('1e'.repeat(32)).open(sealed, PLACE), unreadable);
  });

  it('C018: refuses what is not encrypted, and everything without a key, and tells no secret', () => {
    assert.throws(
      () => box.open('sk-canary', PLACE),
      (error: Error) => /is not encrypted/.test(error.message) && !error.message.includes('sk-canary'),
    );
    const none = new SecretBox(null);
    assert.throws(() => none.seal('sk-canary', PLACE), { code: 'secret_key_missing' });
    assert.throws(() => none.open(box.seal('sk-canary', PLACE), PLACE), { code: 'secret_key_missing' });
  });
});
