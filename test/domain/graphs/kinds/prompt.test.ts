import assert from 'node:assert/strict';
import { evaluateNode, faultsOf, shortOf } from './evaluate-node.ts';

describe('a prompt', () => {
  const filled = (prompt: string, input: object | string, task: object) =>
    shortOf(evaluateNode({ prompt, input }, task as never));

  it('puts its input into the template: texts as they are, nothing for null, the rest as JSON', () => {
    const input = { query: '/task/query', order: '/task/order', none: { value: null } };

    const output = filled('Where is {{query}}? {{ order }}{{none}} {{query}}', input, { query: 'A-17', order: [1] });

    assert.deepEqual(output, { text: 'Where is A-17? [1] A-17' });
  });

  it('leaves braces alone that enclose no name, and does not fill what was filled in', () => {
    const output = filled('{{"a": {{a}}}} {{}} {{ b c }}', { a: '/task/a' }, { a: '{{a}} $& $1' });

    assert.deepEqual(output, { text: '{{"a": {{a}} $& $1}} {{}} {{ b c }}' });
  });

  it('is refused where the template names an input that the node does not have', () => {
    assert.deepEqual(faultsOf({ prompt: '{{a}} {{__proto__}}', input: { a: '/task' } }), [
      'expression_invalid /nodes/0/prompt The template has {{__proto__}}, but the node has no input "__proto__".',
    ]);
    assert.deepEqual(faultsOf({ prompt: 'x'.repeat(20_001) }), [
      'expression_invalid /nodes/0/prompt Expected at most 20000 characters, found 20001.',
    ]);
    assert.deepEqual(faultsOf({ prompt: 5 }), ['malformed /nodes/0/prompt Expected text, found the number 5.']);
  });

  it('fails where a whole input lacks the name, also that of a prototype', () => {
    const expected =
      /^handler_input_invalid: The template has \{\{constructor\}\}, but its input has no "constructor"\.$/;

    assert.match(String(filled('{{constructor}}', '/task', { a: 1 })), expected);
    assert.match(String(filled('{{constructor}}', '/task', ['a'])), expected);
  });

  it('fails before it makes a text that is too long', () => {
    const output = filled('{{a}}'.repeat(4_000), { a: '/task/a' }, { a: 'x'.repeat(1_000_000) });

    assert.match(String(output), /^handler_input_invalid: The text would have 4000020000 characters/);
  });
});
