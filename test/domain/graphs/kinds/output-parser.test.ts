import assert from 'node:assert/strict';
import { evaluateNode, faultsOf, shortOf } from './evaluate-node.ts';

const parsed = (rules: object, text: unknown) =>
  shortOf(evaluateNode({ ...rules, input: { text: '/task/text' } }, { text } as never));

describe('an output parser', () => {
  it('reads JSON, also out of the first block within fences that is JSON', () => {
    const fenced = 'Here it is:\n```text\nno\n```\n```json\n{"carrier": "DHL"}\n```\nAnything else?';

    assert.deepEqual(parsed({ parse: 'json' }, ' {"carrier": "UPS"} '), { carrier: 'UPS' });
    assert.deepEqual(parsed({ parse: 'json' }, fenced), { carrier: 'DHL' });
    assert.deepEqual(parsed({ parse: 'json' }, '```{"a":1}'), { a: 1 });
  });

  it('fails where there is no JSON, where it cannot be kept, and where a name is missing, without the text', () => {
    assert.equal(
      parsed({ parse: 'json' }, 'my password is hunter2'),
      'output_unparsable: The text is not JSON, and no block within ``` is.',
    );
    assert.match(
      String(parsed({ parse: 'json' }, '{"a": "\\u0000"}')),
      /^output_unparsable: The JSON in the text cannot/,
    );
    assert.match(String(parsed({ parse: 'json' }, '['.repeat(200_000) + ']'.repeat(200_000))), /more than 500 levels/);
    assert.equal(
      parsed({ parse: 'json', fields: ['a', 'b', 'toString'] }, '{"a": 1, "b": null}'),
      'output_unparsable: The text has no value for "b", "toString".',
    );
    assert.equal(
      parsed({ parse: 'json', fields: ['a'] }, '[1]'),
      'output_unparsable: Expected an object with "a", found a list.',
    );
  });

  it('reads a list by lines without their bullets, or by commas', () => {
    assert.deepEqual(parsed({ parse: 'list' }, '- one\r\n\n* two, three\n10. four\n• five'), [
      ...['one', 'two, three', 'four', 'five'],
    ]);
    assert.deepEqual(parsed({ parse: 'list' }, 'one, two,, three '), ['one', 'two', 'three']);
    assert.deepEqual(parsed({ parse: 'list' }, '- one, two'), ['one, two']);
    assert.equal(parsed({ parse: 'list' }, ' \n '), 'output_unparsable: The text has no items.');
  });

  it('reads lines of names and values', () => {
    const text = 'Result\nstatus: on its way\n- eta = 12:30\nstatus: late\n: nothing\n__proto__: x';

    const output = parsed({ parse: 'key-value', fields: ['eta'] }, text);

    assert.deepEqual(output, JSON.parse('{"status": "late", "eta": "12:30", "__proto__": "x"}'));
    assert.equal(parsed({ parse: 'key-value' }, 'none'), 'output_unparsable: The text has no line like "name: value".');
  });

  it('reads the named groups of the first match', () => {
    const rules = { parse: 'regex', pattern: '(?P<order>[A-Z]-\\d+)(?:/(?P<part>\\d))?' };

    assert.deepEqual(parsed(rules, 'Orders A-17 and B-2/3'), { order: 'A-17', part: null });
    assert.equal(
      parsed({ ...rules, fields: ['part'] }, 'A-17'),
      'output_unparsable: The text has no value for "part".',
    );
    assert.equal(parsed(rules, 'none'), 'output_unparsable: The pattern matches nothing in the text.');
  });

  it('ends soon with a pattern and a text that keep other engines busy for years', () => {
    const from = performance.now();

    assert.match(
      String(parsed({ parse: 'regex', pattern: '(?P<a>(a+)+)$' }, `${'a'.repeat(50_000)}b`)),
      /matches nothing/,
    );
    assert.match(
      String(parsed({ parse: 'regex', pattern: '(?P<a>(a?){400}a{400})' }, 'a'.repeat(900_000))),
      /too many/,
    );
    assert.ok(performance.now() - from < 30_000, `${performance.now() - from} ms`);
  });

  it('ends soon with a million characters in every format', () => {
    const from = performance.now();

    for (const unit of ['```', '\n', ' ', ':', ',', '- ', 'a', '[', '1.'])
      for (const parse of ['json', 'list', 'key-value']) parsed({ parse }, unit.repeat(1_000_000 / unit.length));
    assert.ok(performance.now() - from < 30_000, `${performance.now() - from} ms`);
  });

  it('needs a text', () => {
    const expected = 'handler_input_invalid: Its input needs a text as "text", found';

    assert.equal(parsed({ parse: 'json' }, 5), `${expected} the number 5.`);
    assert.equal(shortOf(evaluateNode({ parse: 'json', input: '/task' }, ['a'])), `${expected} a list.`);
    assert.equal(
      parsed({ parse: 'json' }, 'x'.repeat(1_000_001)),
      'handler_input_invalid: It reads at most 1000000 characters, found 1000001.',
    );
  });

  it('is refused with the place of what is wrong', () => {
    const refused = (rules: object) => faultsOf({ ...rules, input: '/task' }).map((fault) => fault.slice(0, 80));

    assert.match(refused({ parse: 'xml' }).join(), /^malformed \/nodes\/0\/parse Expected "json", "list"/);
    assert.match(
      refused({ parse: 'regex' }).join(),
      /^expression_invalid \/nodes\/0\/pattern The format "regex" needs/,
    );
    assert.match(refused({ parse: 'regex', pattern: '(' }).join(), /pattern The pattern is not a regular expression/);
    assert.match(refused({ parse: 'regex', pattern: '(a)' }).join(), /pattern The pattern needs a named group/);
    assert.match(refused({ parse: 'regex', pattern: `(?P<a>${'a'.repeat(500)})` }).join(), /at most 500 characters/);
    assert.match(refused({ parse: 'json', pattern: 'a' }).join(), /pattern The format "json" has no pattern/);
    assert.match(
      refused({ parse: 'list', fields: ['a'] }).join(),
      /^malformed \/nodes\/0\/fields\/0 The format "list"/,
    );
  });
});
