import assert from 'node:assert/strict';
import {
  codelessErrors,
  environmentReaders,
  floatingLibraryCalls,
  leftovers,
  longFiles,
  longFunctions,
} from './code-gates.ts';
import { exportsOf, undocumented } from './doc-comment-gates.ts';
import { assertNone, planted } from './faults.ts';
import { fileAt, filesEndingIn, productFiles, readText } from './source-files.ts';

const product = productFiles();
const lines = (count: number, line = '    call();') => Array.from({ length: count }, () => line);

describe('the code', () => {
  it('reads the environment in config.ts alone', () => {
    assert.equal(environmentReaders([planted('client/x.ts', 'const home = process.env.HOME;')]).length, 1);
    assertNone(environmentReaders(product));
  });

  it('derives every error from MusterError', () => {
    const codeless = planted('client/x.ts', 'class Broken extends TypeError {}', 'class Fine extends MusterError {}');

    assert.equal(codelessErrors([codeless]).length, 1);
    assertNone(codelessErrors(product));
  });

  it('keeps every file within 300 lines, and every script of Redis within 60', () => {
    const long = [planted('a.ts', ...lines(301)), planted('b.lua', ...lines(61)), planted('c.ts', ...lines(300))];

    assert.deepEqual(longFiles(long).length, 2);
    assertNone(longFiles(filesEndingIn('.ts', '.mjs', '.sql', '.lua')));
  });

  it('keeps every function within 60 lines, of whatever form', () => {
    const heads = [
      ['export async function long(', '  one: number,', '): Promise<void> {'],
      ['const long = (one: number) => {'],
      ['class A {', '  async #long(): Promise<void> {'],
      ['class A {', '  readonly #long = async () => {'],
    ];
    const closes = (head: string[]) =>
      head[0]?.startsWith('class') ? ['  }', '}'] : [head[0]?.startsWith('const') ? '};' : '}'];
    const file = (head: string[], count: number) => planted('client/x.ts', ...head, ...lines(count), ...closes(head));

    for (const head of heads) {
      assert.equal(longFunctions([file(head, 60)]).length, 1, head.join(' '));
      assert.deepEqual(longFunctions([file(head, 50)]), [], head.join(' '));
    }
    assertNone(longFunctions(product));
  });

  it('leaves nothing for later, and nothing of the machine it was written on', () => {
    const texts = filesEndingIn('.ts', '.mjs', '.sql', '.lua', '.md', '.json', '.yaml', '.example', '.txt', 'run');
    const later = ['TO', 'DO'].join('');
    const machine = ['', 'home', 'somebody'].join('/');

    assert.equal(leftovers([planted('a.ts', `// ${later} this`), planted('b.md', `see ${machine}`)]).length, 2);
    assertNone(leftovers(texts));
  });

  it('takes notice of every promise: the linter sees our own, and this the libraries’', () => {
    const floating = planted(
      'redis/x.ts',
      'async function save(em: EntityManager): Promise<void> {',
      '  em.flush();',
      '  await em.flush();',
      '  sql`delete from muster.tasks`.execute(kysely);',
      '  const done = em.transactional(work);',
      '  redis.publish(channel, text);',
      '}',
    );

    assert.equal(floatingLibraryCalls([floating]).length, 3);
    assertNone(floatingLibraryCalls(filesEndingIn('.ts')));
    const { linter } = JSON.parse(readText('biome.json'));
    assert.equal(linter.rules.nursery.noFloatingPromises, 'error');
  });

  it('says what everything is that a program can import', () => {
    const entries = ['index.ts', 'client.ts', 'worker.ts'].map(fileAt);
    const bare = planted('client.ts', 'export class Muster {', '  async submit(): Promise<void> {', '  }', '}');

    const exported = entries.flatMap((entry) => exportsOf(entry, fileAt));

    assert.equal(undocumented([{ name: 'Muster', file: bare }]).length, 2);
    assert.ok(exported.length > 60, `expected the public names, found ${exported.length}`);
    assertNone(undocumented(exported));
  });
});
