import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { type InputShape, readParameter, readSubmitInput } from '../../../cli/tasks/submit-input.ts';

const MAX_BYTES = 1_000;
const digest: InputShape = {
  name: 'digest',
  documentProperty: 'text',
  inputSchema: {
    type: 'object',
    required: ['text'],
    properties: { text: { type: 'string' }, name: { type: 'string' }, maxTopics: { type: 'integer' } },
  },
};
const plain: InputShape = { name: 'plain', documentProperty: null, inputSchema: null };

describe('the input of a submit', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'muster-input-'));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  const file = (name: string, content: string | Uint8Array): string => {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  };

  function read(shape: InputShape, given: { file?: string; params?: Record<string, string>; stdin?: string } = {}) {
    return readSubmitInput(shape, {
      file: given.file,
      parameters: new Map(Object.entries(given.params ?? {})),
      maxBytes: MAX_BYTES,
      stdin: Readable.from([Buffer.from(given.stdin ?? '')]),
    });
  }

  it('is the text of a document under its property, with its base name and the parameters', async () => {
    const input = await read(digest, { file: file('talk.md', 'ann: hi'), params: { maxTopics: '3' } });

    assert.deepEqual(input, { name: 'talk.md', maxTopics: 3, text: 'ann: hi' });
  });

  it('is standard input where the file is a hyphen', async () => {
    assert.deepEqual(await read(digest, { file: '-', stdin: 'ann: hi' }), { name: 'stdin', text: 'ann: hi' });
    assert.deepEqual(await read(plain, { file: '-', stdin: '{"a":1}' }), { a: 1 });
  });

  it('is a JSON object for a graph without a document, with the parameters on top', async () => {
    const path = file('input.json', '\uFEFF{"a":1,"b":[true]}');

    assert.deepEqual(await read(plain, { file: path, params: { a: '2' } }), { a: 2, b: [true] });
  });

  it('may consist of parameters alone', async () => {
    assert.deepEqual(await read(plain), {});
    assert.deepEqual(await read(digest, { params: { text: 'hi' } }), { text: 'hi' });
  });

  const faults: readonly (readonly [string, () => Promise<unknown>, string, RegExp])[] = [
    ['a missing file', () => read(digest, { file: '/no/such/file' }), 'input_unreadable', /no such file/],
    ['a folder', () => read(digest, { file: tmpdir() }), 'input_unreadable', /folder/],
    ['an empty file', () => read(digest, { file: file('e', '') }), 'input_unreadable', /empty/],
    ['a blank file', () => read(digest, { file: file('b', ' \n') }), 'input_unreadable', /empty/],
    ['a binary file', () => read(digest, { file: file('n', 'a\0b') }), 'input_unreadable', /binary/],
    [
      'bytes that are no UTF-8',
      () => read(digest, { file: file('l', Buffer.of(255, 254)) }),
      'input_unreadable',
      /UTF-8/,
    ],
    ['a file that is too large', () => read(digest, { file: file('x', 'x'.repeat(2_000)) }), 'input_too_large', /2000/],
    [
      'too much standard input',
      () => read(digest, { file: '-', stdin: 'x'.repeat(2_000) }),
      'input_too_large',
      /more than 1000 bytes/,
    ],
    ['a device without an end', () => read(digest, { file: '/dev/zero' }), 'input_too_large', /more than 1000 bytes/],
    ['no standard input', () => read(digest, { file: '-' }), 'input_unreadable', /^stdin .*empty/],
    ['malformed JSON', () => read(plain, { file: file('m', '{"a":') }), 'input_unreadable', /not valid JSON/],
    ['a JSON list', () => read(plain, { file: file('j', '[1]') }), 'input_invalid', /found a list/],
    ['a JSON null', () => read(plain, { file: file('0', 'null') }), 'input_invalid', /found null/],
    ['no document', () => read(digest), 'input_invalid', /--input FILE/],
    [
      'two documents',
      () => read(digest, { file: file('t', 'x'), params: { text: 'y' } }),
      'input_invalid',
      /given twice/,
    ],
    [
      'a misspelt parameter',
      () => read(digest, { file: file('p', 'x'), params: { maxTopic: '3' } }),
      'input_invalid',
      /no parameter "maxTopic"\. It takes text, name, maxTopics/,
    ],
  ];
  for (const [title, act, code, says] of faults) {
    it(`refuses ${title}, saying what to do`, async () => {
      await assert.rejects(act(), (error) => {
        assert.ok(error instanceof Error && 'code' in error);
        assert.equal(error.code, code);
        assert.match(error.message, says);
        assert.match(error.message, /\.$/);
        return true;
      });
    });
  }

  it('reads no more than one byte beyond the limit from a pipe, and all of a pipe that ends before it', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    // Blocks until it has written everything, or nobody reads any more.
    const writer = spawn('sh', ['-c', `i=0; while [ $i -lt 1000000 ]; do echo line; i=$((i+1)); done > "${pipe}"`]);
    const ended = once(writer, 'close');

    await assert.rejects(read(digest, { file: pipe }), { code: 'input_too_large' });
    const [exitCode, signal] = await ended;
    assert.ok(exitCode !== 0 || signal !== null, 'the writer was read to its end');

    const short = once(spawn('sh', ['-c', `echo 'ann: hi' > "${pipe}"`]), 'close');
    assert.equal((await read(digest, { file: pipe })).text, 'ann: hi\n');
    await short;
  });

  it('stops reading standard input at the limit', async () => {
    let given = 0;
    let closed = false;
    async function* endless() {
      try {
        for (;;) {
          given += 100;
          yield Buffer.alloc(100, 'x');
        }
      } finally {
        closed = true;
      }
    }
    const sources = { file: '-', parameters: new Map(), maxBytes: MAX_BYTES, stdin: endless() };

    await assert.rejects(readSubmitInput(digest, sources), { code: 'input_too_large' });
    assert.deepEqual({ given, closed }, { given: MAX_BYTES + 100, closed: true });
  });

  it('takes a parameter as JSON where it is JSON', () => {
    const cases: [string, unknown][] = [
      ['4', 4],
      ['-0.5', -0.5],
      ['true', true],
      ['null', null],
      ['[1,"a"]', [1, 'a']],
      ['{"a":1}', { a: 1 }],
      ['"4"', '4'],
      ['hello', 'hello'],
      ['', ''],
      ['1e999', '1e999'],
      ['12345678901234567890', '12345678901234567890'],
    ];
    for (const [text, value] of cases) assert.deepEqual(readParameter(text, undefined), value, text);
  });

  it('takes a parameter as it stands where the schema asks for a text', () => {
    const schemas = [
      { type: 'string' },
      { type: ['string', 'null'] },
      { anyOf: [{ type: 'string' }, { type: 'null' }] },
      { enum: ['1', '2'] },
      { const: '1' },
    ];
    fc.assert(
      fc.property(fc.oneof(fc.json(), fc.string()), fc.constantFrom(...schemas), (text, schema) => {
        assert.equal(readParameter(text, schema), text);
      }),
    );
  });

  it('keeps a number as a text that would be written differently, unless the schema asks for a number', () => {
    for (const text of ['1.10', '1e3', '12345678901234567890', '1e9999', '-0']) {
      assert.equal(readParameter(text, undefined), text);
    }
    assert.equal(readParameter('1e3', { type: 'integer' }), 1_000);
    assert.equal(readParameter('1.10', { type: 'number' }), 1.1);
    assert.equal(readParameter('{"id":12345678901234567890}', undefined), '{"id":12345678901234567890}');
  });

  it('refuses a file in which a number has more digits than a number keeps', async () => {
    const path = file('ids.json', '{"rows":[{"id":12345678901234567890}]}');

    await assert.rejects(read(plain, { file: path }), {
      code: 'input_unreadable',
      message: /the number of "id", 12345678901234567890, has more digits than a number keeps; write it as a text/,
    });
    assert.deepEqual(await read(plain, { file: file('exact.json', '{"a":10000000000000000000,"b":0.1}') }), {
      a: 1e19,
      b: 0.1,
    });
  });

  it('refuses text that is not UTF-8, a folder, and a list behind a byte order mark', async () => {
    const utf16 = file('utf16.json', Buffer.from('\ufeff{"a":1}', 'utf16le'));
    const stdin = Readable.from([Buffer.from([0x7b, 0xff, 0x7d])]);
    const fromStdin = () => readSubmitInput(plain, { file: '-', parameters: new Map(), maxBytes: MAX_BYTES, stdin });

    await assert.rejects(read(plain, { file: utf16 }), { code: 'input_unreadable', message: /not UTF-8/ });
    await assert.rejects(fromStdin(), { code: 'input_unreadable', message: /stdin cannot be read: it is not UTF-8/ });
    await assert.rejects(read(plain, { file: folder }), { code: 'input_unreadable', message: /it is a folder/ });
    await assert.rejects(read(plain, { file: file('bom.json', '\ufeff[1]') }), { message: /found a list/ });
  });

  it('never loses what JSON can say', () => {
    fc.assert(
      fc.property(fc.jsonValue(), (value) => {
        const text = JSON.stringify(value);
        const kept = readParameter(text, undefined);
        assert.ok(kept === text || JSON.stringify(kept) === text);
      }),
    );
  });
});
