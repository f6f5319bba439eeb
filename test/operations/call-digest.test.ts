import assert from 'node:assert/strict';
import fc from 'fast-check';
import type { TaskId, TenantId } from '../../domain/ids.ts';
import { canonicalJson, type Json } from '../../domain/json.ts';
import { callDigest, type ExactCall } from '../../operations/approvals/call-digest.ts';

const CALL: ExactCall = {
  agent: 'triage',
  tool: 'refund',
  arguments: { order: 'A-17', amount: 20 },
  policyVersion: 3,
  tenant: 'default' as TenantId,
  task: '019ab3c4-5d6e-7f80-9123-456789abcdef' as TaskId,
  path: 'triage',
  step: 1,
  index: 0,
};

describe('the canonical JSON', () => {
  it('is that of RFC 8785: its example of values and its example of keys', () => {
    const values = JSON.parse(
      '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],' +
        '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}',
    );
    const keys = {
      '\u20ac': 'Euro',
      '\r': 'CR',
      '\ufb33': 'Dalet',
      '1': 'One',
      '\ud83d\ude00': 'Smiley',
      '\u0080': 'C',
      ö: 'O',
    };

    assert.equal(
      canonicalJson(values),
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
    assert.equal(
      canonicalJson(keys),
      '{"\\r":"CR","1":"One","\u0080":"C","ö":"O","€":"Euro","\ud83d\ude00":"Smiley","\ufb33":"Dalet"}',
    );
  });

  it('writes numbers as RFC 8785 lists them', () => {
    const numbers: readonly [bits: string, text: string][] = [
      ['0000000000000000', '0'],
      ['8000000000000000', '0'],
      ['0000000000000001', '5e-324'],
      ['8000000000000001', '-5e-324'],
      ['7fefffffffffffff', '1.7976931348623157e+308'],
      ['4340000000000000', '9007199254740992'],
      ['4430000000000000', '295147905179352830000'],
      ['44b52d02c7e14af5', '9.999999999999997e+22'],
      ['44b52d02c7e14af6', '1e+23'],
      ['444b1ae4d6e2ef4e', '999999999999999700000'],
      ['444b1ae4d6e2ef50', '1e+21'],
      ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
      ['3eb0c6f7a0b5ed8d', '0.000001'],
      ['41b3de4355555553', '333333333.3333332'],
      ['becbf647612f3696', '-0.0000033333333333333333'],
      ['43143ff3c1cb0959', '1424953923781206.2'],
    ];

    for (const [bits, text] of numbers) {
      assert.equal(canonicalJson(Buffer.from(bits, 'hex').readDoubleBE()), text, bits);
    }
  });
});

describe('the digest of a call', () => {
  it('is the same for the same call, however its arguments are ordered', () => {
    assert.equal(callDigest(CALL), callDigest({ ...CALL, arguments: { amount: 20, order: 'A-17' } }));
    assert.match(callDigest(CALL), /^[0-9a-f]{64}$/);
  });

  it('S19: is another one as soon as anything about the call is', () => {
    const others: Partial<ExactCall>[] = [
      ...[{ agent: 'writer' }, { tool: 'refunds' }, { policyVersion: 4 }, { tenant: 'acme' as TenantId }],
      ...[{ task: '019ab3c4-5d6e-7f80-9123-456789abcdee' as TaskId }, { path: 'a/triage' }, { step: 2 }, { index: 1 }],
      ...[{ arguments: { order: 'A-17', amount: '20' } }, { arguments: { order: 'A-17' } }, { arguments: null }],
    ];

    const digests = [{}, ...others].map((change) => callDigest({ ...CALL, ...change }));

    assert.equal(new Set(digests).size, digests.length);
  });

  it('S19: is the same for the same arguments only', () => {
    fc.assert(
      fc.property(fc.jsonValue(), fc.jsonValue(), (one, other) => {
        const [first, second] = [one, other].map((given) => callDigest({ ...CALL, arguments: given as Json }));
        assert.equal(first === second, canonicalJson(one as Json) === canonicalJson(other as Json));
      }),
    );
  });
});
