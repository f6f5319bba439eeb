import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { Parser } from 'htmlparser2';
import { taskPage } from '../../../../cli/tasks/page/task-page.ts';
import { at, shownTask } from './shown-task.ts';

const NOW = at(120_020);
const HOSTILE = [
  '<script>alert(1)</script>',
  '</style><script>alert(1)</script>',
  '</title><img src=x onerror=alert(1)>',
  '"><a href="javascript:alert(1)">here</a>',
  "' onmouseover='alert(1)' x='",
  '</pre></details><iframe src="https://evil.example"></iframe>',
  ']]><svg onload=alert(1)>',
  '&lt;script&gt; &amp;',
];

interface Element {
  readonly name: string;
  readonly attributes: Readonly<Record<string, string>>;
}

function read(page: string): { readonly elements: readonly Element[]; readonly text: string; readonly style: string } {
  const elements: Element[] = [];
  const texts: string[] = [];
  const parser = new Parser({
    onopentag: (name, attributes) => elements.push({ name, attributes: { ...attributes } }),
    ontext: (text) => texts.push(text),
  });
  parser.end(page);
  const [, style = ''] = /<style>([^<]*)<\/style>/.exec(page) ?? [];
  return { elements, text: texts.join(''), style };
}

/** The page without the words of its texts. */
function skeleton(page: string): readonly string[] {
  return read(page).elements.map(({ name, attributes }) => `${name} ${Object.keys(attributes).toSorted().join(' ')}`);
}

describe('the page of a task', () => {
  it('shows the graph, the times, the costs, the decisions, the messages, the calls and the events', () => {
    const { elements, text } = read(taskPage(shownTask('a text'), NOW));

    const count = (name: string, className: string) =>
      elements.filter((each) => each.name === name && (each.attributes.class ?? '').split(' ').includes(className))
        .length;
    assert.deepEqual([count('g', 'node'), count('path', 'edge'), count('path', 'loose')], [3, 3, 1]);
    assert.equal(count('rect', 'bar'), 3 + 1 + 2);
    for (const said of ['1,200', '0.012345', 'allowed: a text', 'approved with', 'a text → a text', 'trace.started']) {
      assert.ok(text.includes(said), said);
    }
  });

  it('has the elements that it has for a harmless text, whatever the texts are', () => {
    const harmless = skeleton(taskPage(shownTask('a text'), NOW));

    for (const text of HOSTILE) assert.deepEqual(skeleton(taskPage(shownTask(text), NOW)), harmless, text);
    const anything = fc.string({ unit: 'binary', minLength: 1, maxLength: 200 });
    fc.assert(fc.property(anything, (text) => assert.deepEqual(skeleton(taskPage(shownTask(text), NOW)), harmless)));
  });

  it('shows a hostile text as the text that it is', () => {
    for (const text of HOSTILE) assert.ok(read(taskPage(shownTask(text), NOW)).text.includes(text), text);
  });

  it('shows a sign in the place of what would turn the text around it, or end it', () => {
    const { text } = read(taskPage(shownTask('a\u202Eb\u0000c\u001B[2Jd'), NOW));

    assert.ok(text.includes('a\uFFFDb\uFFFDc\uFFFD[2Jd'));
    for (const unshown of ['\u202E', '\u0000', '\u001B']) assert.equal(text.includes(unshown), false);
  });

  it('has nothing that runs or loads, and forbids it', () => {
    const { elements, style } = read(taskPage(shownTask(HOSTILE.join(' ')), NOW));

    const names = new Set(elements.map(({ name }) => name));
    for (const name of ['script', 'iframe', 'img', 'link', 'object', 'embed', 'form', 'base', 'use', 'image']) {
      assert.equal(names.has(name), false, name);
    }
    for (const { attributes } of elements) {
      for (const [name, value] of Object.entries(attributes)) {
        assert.doesNotMatch(name, /^on|^style$|^src/);
        if (name === 'href') assert.match(value, /^#t\d+-r\d+$/);
      }
    }
    const policy = elements.find(({ attributes }) => attributes['http-equiv'] === 'Content-Security-Policy')?.attributes
      .content;
    const hash = createHash('sha256').update(style).digest('base64');
    assert.equal(policy, `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'`);
    assert.doesNotMatch(style, /url\(|@import/);
  });

  it('leads from each node to what its run said', () => {
    const { elements } = read(taskPage(shownTask('a text'), NOW));

    const ids = elements.flatMap(({ attributes }) => attributes.id ?? []);
    const targets = elements.flatMap(({ attributes }) => attributes.href?.slice(1) ?? []);
    assert.equal(new Set(ids).size, 3);
    assert.deepEqual(
      targets.filter((target) => !ids.includes(target)),
      [],
    );
  });

  it('draws what is not finished up to now, and nothing of a task that has not begun', () => {
    const view = shownTask('a text');
    const [trace] = view.traces;
    const running = { ...view, traces: trace === undefined ? [] : [{ ...trace, finishedAt: null }] };

    assert.match(read(taskPage(running, NOW)).text, /2 min 0 s/);
    assert.match(read(taskPage({ ...view, traces: [] }, NOW)).text, /It has no trace yet/);
  });
});
