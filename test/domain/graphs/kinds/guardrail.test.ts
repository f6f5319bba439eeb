import assert from 'node:assert/strict';
import { evaluateNode, faultsOf, shortOf } from './evaluate-node.ts';

const held = (guardrail: object, text: string) =>
  shortOf(evaluateNode({ guardrail, input: { text: '/task/text' } }, { text }));

const PASSED = { passed: true };
const blocked = (phrase: string) => `guardrail_blocked: bannedPhrases: the text has "${phrase}".`;

describe('a guardrail', () => {
  it('blocks a text with a banned phrase, and names the phrase and nothing else of the text', () => {
    const rules = { bannedPhrases: ['credit card', 'hack'] };

    assert.deepEqual(held(rules, 'Please pay by card.'), PASSED);
    assert.equal(held(rules, 'My Credit  Card is 4111 1111'), blocked('credit card'));
    assert.equal(held(rules, 'How do I hack it?'), blocked('hack'));
  });

  it('finds whole words only', () => {
    const rules = { bannedPhrases: ['hack', 'c++'] };

    for (const text of ['hackathon', 'lifehack', 'hack_it', 'häck', 'hacké', '𝔸hack', 'xc++'])
      assert.deepEqual(held(rules, text), PASSED, text);
    for (const text of ['hack', '(hack)', 'a-hack.', 'HACK!']) assert.equal(held(rules, text), blocked('hack'), text);
    assert.equal(held(rules, 'I like c++11'), blocked('c++'));
    assert.equal(held(rules, 'hackathon hack'), blocked('hack'));
  });

  it('finds a phrase in other forms, cases and spaces, and with what nobody sees between', () => {
    const rules = { bannedPhrases: ['credit card', 'STRASSE', '密码'] };

    for (const text of ['ｃｒｅｄｉｔ ｃａｒｄ', 'cre\u00ADdit\u200B card', 'credit\u00A0\n\tcard', '𝐜𝐫𝐞𝐝𝐢𝐭 card'])
      assert.equal(held(rules, text), blocked('credit card'), text);
    for (const unseen of ['\u034F', '\u3164', '\u200D', '\uFE0F', '\u115F'])
      assert.equal(held(rules, `cr${unseen}edit card`), blocked('credit card'), unseen);
    assert.equal(held({ bannedPhrases: ['café'] }, 'in the cafe\u200D\u0301'), blocked('café'));
    assert.equal(held(rules, 'an der Straße'), blocked('STRASSE'));
    assert.equal(held(rules, '我的密码是什么'), blocked('密码'));
  });

  it('blocks a prohibited topic by its name', () => {
    const rules = { prohibitedTopics: { weather: ['rain'], medicine: ['diagnosis', 'dosage of'] } };

    assert.equal(
      held(rules, 'The dosage of aspirin?'),
      'guardrail_blocked: prohibitedTopics: the text is about "medicine" ("dosage of").',
    );
    assert.deepEqual(held(rules, 'The dosage?'), PASSED);
  });

  it('blocks what is about none of the topics that it serves', () => {
    const rules = { serviceBoundaries: { orders: ['order', 'parcel'], returns: ['refund'] } };

    assert.deepEqual(held(rules, 'Where is my parcel?'), PASSED);
    assert.equal(
      held(rules, 'Tell me a joke'),
      'guardrail_blocked: serviceBoundaries: the text is about none of "orders", "returns".',
    );
  });

  it('finds a phrase that begins within another one, and one that ends with it', () => {
    const rules = { prohibitedTopics: { one: ['a b c d'], two: ['b c'], three: ['a b e'], four: ['c'] } };
    const about = (text: string) => String(held(rules, text)).match(/about "(\w+)"/)?.[1];

    assert.equal(about('a b c x'), 'two');
    assert.equal(about('a a b e'), 'three');
    assert.equal(about('x c'), 'four');
    assert.equal(about('b c a b c d'), 'one');
    assert.deepEqual(held(rules, 'a b bc cd'), PASSED);
  });

  for (const [what, rules, text] of [
    ['many long phrases', Array.from({ length: 500 }, (_, index) => '! '.repeat(98) + index), '! '.repeat(500_000)],
    [
      'phrases within a long word',
      Array.from({ length: 20 }, (_, index) => 'a'.repeat(1 + index)),
      'a'.repeat(1_000_000),
    ],
    ['a letter with many accents', ['a'], `b${'\u0301\u0316'.repeat(40_000)}`],
    ['a half-width mark with many accents', ['a'], '\uFF9E\u0334'.repeat(40_000)],
  ] as const) {
    it(`ends soon with ${what}`, () => {
      const from = performance.now();

      assert.deepEqual(held({ bannedPhrases: rules }, text), PASSED);
      assert.ok(performance.now() - from < 5_000, `${performance.now() - from} ms`);
    });
  }

  it('refuses a text whose characters stand for too many others', () => {
    assert.match(String(held({ bannedPhrases: ['a'] }, '\uFDFA'.repeat(200_000))), /^handler_input_invalid: Its text/);
  });

  it('is refused without a rule, with one that can match nothing, and with too many phrases', () => {
    const refused = (guardrail: unknown) =>
      faultsOf({ guardrail, input: '/task' }).map((fault) => fault.split(' ').slice(0, 2).join(' '));

    assert.deepEqual(refused({}), ['malformed /nodes/0/guardrail']);
    assert.deepEqual(refused({ banned: ['a'] }), [
      'unknown_property /nodes/0/guardrail/banned',
      'malformed /nodes/0/guardrail',
    ]);
    assert.deepEqual(refused({ bannedPhrases: [] }), ['malformed /nodes/0/guardrail/bannedPhrases']);
    assert.deepEqual(refused({ bannedPhrases: ['\u200B '] }), ['malformed /nodes/0/guardrail/bannedPhrases/0']);
    assert.deepEqual(refused({ prohibitedTopics: { a: ['x'.repeat(201)] } }), [
      'malformed /nodes/0/guardrail/prohibitedTopics/a/0',
    ]);
    assert.deepEqual(refused({ bannedPhrases: Array(501).fill('a') }), ['malformed /nodes/0/guardrail']);
    assert.deepEqual(refused('strict'), ['malformed /nodes/0/guardrail']);
  });
});
