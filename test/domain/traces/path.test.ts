import assert from 'node:assert/strict';
import fc from 'fast-check';
import {
  innerScope,
  nodeOfPath,
  type PathPart,
  parentOfPath,
  parsePath,
  type RunPath,
  scopeOfPath,
} from '../../../domain/traces/path.ts';

const node = fc.stringMatching(/^[a-z][A-Za-z0-9-]{0,20}$/);
const container = fc.record({ node, index: fc.option(fc.integer({ min: 0, max: 999 })) }, { noNullPrototype: true });
const parts: fc.Arbitrary<readonly PathPart[]> = fc
  .tuple(fc.array(container, { maxLength: 4 }), node)
  .map(([outer, id]) => [...outer, { node: id, index: null }]);

function formatPath(path: readonly PathPart[]): RunPath {
  return path.map(({ node: id, index }) => (index === null ? id : `${id}[${index}]`)).join('/');
}

describe('a run path', () => {
  it('is read back as it was written', () => {
    fc.assert(fc.property(parts, (path) => assert.deepEqual(parsePath(formatPath(path)), path)));
  });

  it('is made of its scope and its node, and its scope of its parent', () => {
    fc.assert(
      fc.property(parts, (path) => {
        const text = formatPath(path);
        assert.equal(scopeOfPath(text) + nodeOfPath(text), text);
        const parent = parentOfPath(text);
        const within = path.at(-2)?.index ?? null;
        assert.equal(parent === null ? '' : innerScope(parent, within), scopeOfPath(text));
      }),
    );
  });

  for (const text of ['', '/', 'a/', '/a', 'a[1]', 'a[01]/b', 'a[-1]/b', 'A', 'a//b', 'a[x]/b', 'a.b']) {
    it(`is not ${JSON.stringify(text)}`, () => {
      assert.equal(parsePath(text), null);
    });
  }
});
