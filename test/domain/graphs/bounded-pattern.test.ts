import assert from 'node:assert/strict';
import { RE2JS } from 're2js';
import { compilePattern, MAX_STEPS, PatternWork, stepsOf } from '../../../domain/graphs/bounded-pattern.ts';

describe('a pattern of a graph', () => {
  const faultOf = (pattern: string) => {
    const compiled = compilePattern(pattern);
    return compiled.ok ? null : compiled.fault;
  };

  it('is compiled where people write such patterns', () => {
    for (const pattern of [
      '^[A-Z]-[0-9]+$',
      '^[\\w.+-]{1,64}@[\\w-]+(\\.[\\w-]+){1,10}$',
      '^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$',
      '(?i)^\\p{L}{1,100}( \\p{L}{1,100}){0,3}$',
      '^.{1,1000}$',
    ]) {
      assert.equal(faultOf(pattern), null, pattern);
    }
  });

  it('is refused in one sentence where it is too long, too large or no pattern', () => {
    assert.equal(faultOf('a'.repeat(501)), 'Expected at most 500 characters, found 501.');
    assert.match(
      faultOf('a{1000}'.repeat(6)) ?? '',
      /^The pattern repeats too much: \d+ steps, where 5000 are allowed\.$/,
    );
    assert.match(faultOf('(') ?? '', /^The pattern is not a regular expression of RE2: .*[^.]\.$/);
  });

  it('is not compiled where that would take seconds', () => {
    const began = performance.now();

    assert.match(faultOf(`(?:${'a'.repeat(480)}){1000}`) ?? '', /^The pattern repeats too much/);
    assert.match(faultOf(`(${'a'.repeat(400)}\\Q)\\E){1000}`) ?? '', /^The pattern repeats too much/);

    assert.ok(performance.now() - began < 100, 'it was compiled');
  });

  it('has at most as many steps as it is reckoned to have', () => {
    for (const pattern of [
      ...['a', 'abc', '[a-z]', '[^]a]{3}', '[[:alpha:]]{4}', '\\Qa(b\\E', '\\Qab\\E{9}', '\\x{10FFFF}{5}', '\\pL{7}'],
      ...['a{3}', 'a{3,}', 'a{0,100}', '(ab){10}', '(?:a{3}){5}', '((a{2,9}){3}b?){7,12}', '(?P<n>a*|b+){20}'],
      ...['(((((((((a)))))))))', '((((a))))+{2}', '[(]{40}', '\\({40}', '(?i)strasse{50}', '.{500}', '(a?b?){30}c'],
    ]) {
      // What begins and ends every program.
      const least = 3;
      try {
        const size = RE2JS.compile(pattern).programSize();
        assert.ok(size <= stepsOf(pattern) + least, `${pattern}: ${size} steps, reckoned ${stepsOf(pattern)}`);
      } catch (error) {
        assert.match(String(error), /invalid nested repetition|repetition operator/, pattern);
      }
    }
  });

  it('may be tried on texts until together they have taken too much work', () => {
    const compiled = compilePattern('.{1,1000}');
    assert.ok(compiled.ok);
    const work = new PatternWork();
    const text = 'x'.repeat(4_000);

    assert.ok(compiled.engine.programSize() <= MAX_STEPS);
    assert.deepEqual(
      [1, 2, 3].map(() => work.allows(compiled.engine, text)),
      [true, true, false],
    );
  });
});
