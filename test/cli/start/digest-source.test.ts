import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { Readable } from 'node:stream';
import { parseTranscript } from '../../../agents/channel-digest/parsing/parse-transcript.ts';
import { readDigestSource } from '../../../cli/start/digest-source.ts';

const USERS = JSON.stringify([
  { id: 'U1AAA', name: 'ines', profile: { display_name: 'Ines', real_name: 'Ines Vale' } },
  { id: 'U9ZZZ', name: 'zoe', profile: {} },
]);

function day(text: string, ts: string): string {
  return JSON.stringify([{ type: 'message', user: 'U1AAA', text, ts }], null, 1);
}

describe('what start digests', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'muster-digest-'));
  });
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  const put = (name: string, content: string | Uint8Array): string => {
    const path = join(folder, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, content);
    return path;
  };
  const read = (path: string, maxBytes = 10_000) =>
    readDigestSource(path, { maxBytes, stdin: Readable.from(['hi all']) });

  it('is a file, or standard input', async () => {
    assert.deepEqual(await read(put('a.txt', 'hello')), { name: 'a.txt', text: 'hello' });
    assert.deepEqual(await read('-'), { name: 'stdin', text: 'hi all' });
  });

  it('is a day of Slack with the names of its people, from the list beside it or one folder up', async () => {
    const file = put('archive/boats/2024-03-12.json', day('hello', '1710231360.000100'));
    put('archive/users.json', USERS);

    assert.deepEqual((await read(file)).names, { U1AAA: 'Ines' });

    put('archive/boats/harbour-users.json', USERS.replace('"Ines"', '"Nearer"'));
    assert.deepEqual((await read(file)).names, { U1AAA: 'Nearer' });
  });

  it('is a channel of Slack, day after day, each message on the line where the joined days have it', async () => {
    put('archive/users.json', USERS);
    put('archive/boats/2024-03-13.json', day('second', '1710317760.000100'));
    put('archive/boats/2024-03-12.json', day('first', '1710231360.000100'));
    put('archive/boats/2024-03-14.json', '[]');

    const { name, text, names } = await read(join(folder, 'archive'));

    assert.equal(name, 'boats.json');
    const { utterances } = parseTranscript(text, name, { names });
    assert.deepEqual(
      utterances.map(({ speaker, text: words }) => [speaker, words]),
      [
        ['Ines', 'first'],
        ['Ines', 'second'],
      ],
    );
    for (const { line, text: words } of utterances) assert.ok(text.split('\n')[line - 1]?.includes(words));
  });

  it('is one channel of an archive with several, which are named', async () => {
    put('archive/users.json', USERS);
    put('archive/boats/2024-03-12.json', day('first', '1710231360.000100'));
    put('archive/random/2024-03-12.json', day('first', '1710231360.000100'));

    await assert.rejects(
      read(join(folder, 'archive')),
      /Slack archive with 2 channels: boats, random\. Name the folder/,
    );
  });

  it('is the talk in the folder of an unpacked export', async () => {
    put('whatsapp/_chat.txt', '[10:02] ann: hi');
    put('whatsapp/photo.jpg', 'x');

    assert.equal((await read(join(folder, 'whatsapp'))).text, '[10:02] ann: hi');
  });

  it('is refused when it is another folder, a zip archive, too large, or has a broken list of people', async () => {
    put('other/a.txt', 'hello');
    const users = put('broken/users.json', '[{');
    const file = put('broken/2024-03-12.json', day('hello', '1710231360.000100'));
    put('long/2024-03-12.json', day('x'.repeat(900), '1710231360.000100'));
    put('long/2024-03-13.json', day('x'.repeat(900), '1710231360.000100'));

    await assert.rejects(read(join(folder, 'other')), /it is a folder\. Name one file in it/);
    await assert.rejects(read(put('chat.zip', Uint8Array.of(0x50, 0x4b, 3, 4, 0, 0, 9))), /zip archive\. Unpack it/);
    await assert.rejects(read(join(folder, 'long'), 1_500), { code: 'input_too_large' });
    await assert.rejects(
      read(file),
      (error: Error) => error.message.includes(users) && /not valid JSON/.test(error.message),
    );
    await assert.rejects(read(join(folder, 'missing')), /no such file/);
  });
});
