import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { choosePort } from '../../../servers/start/ports.ts';

const SCRIPT = fileURLToPath(new URL('../../../servers/install/temporal-cli/bring-in.mjs', import.meta.url));
const PINNED = '1.5.1';

describe('bringing in Temporal', () => {
  let folder: string;
  let server: Server;
  let address: string;
  let requests: string[];

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'muster-bring-in-'));
    requests = [];
    const archive = archiveOf('#!/bin/sh\necho "temporal version 1.5.1 (Server 1.29.1, UI 2.42.1)"\n');
    server = createServer((request, response) => {
      requests.push(request.url ?? '');
      if (request.url === '/archive') response.end(archive);
      else response.end(JSON.stringify({ archiveUrl: `${address}/archive`, fileToExtract: 'temporal' }));
    });
    const port = await choosePort(null);
    address = `http://127.0.0.1:${port}`;
    server.listen(port, '127.0.0.1');
    await once(server, 'listening');
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function archiveOf(program: string): Buffer {
    writeFileSync(join(folder, 'temporal'), program);
    chmodSync(join(folder, 'temporal'), 0o755);
    execFileSync('tar', ['-czf', 'archive.tar.gz', 'temporal'], { cwd: folder });
    return readFileSync(join(folder, 'archive.tar.gz'));
  }

  async function bringIn(from: string): Promise<{ exitCode: number | null; complaint: string }> {
    const environment = { ...process.env, PATH: '/usr/bin:/bin' };
    const child = spawn(process.execPath, [SCRIPT, join(folder, 'cache'), from], { env: environment });
    let complaint = '';
    child.stderr.on('data', (chunk: Buffer) => {
      complaint += chunk.toString('utf8');
    });
    const [exitCode] = await once(child, 'close');
    return { exitCode, complaint };
  }

  const program = () => join(folder, 'cache', 'temporal', PINNED, 'temporal');

  it('downloads the pinned version once, however many ask at the same time', async () => {
    const results = await Promise.all([bringIn(address), bringIn(address), bringIn(address)]);

    assert.deepEqual(
      results.map(({ exitCode }) => exitCode),
      [0, 0, 0],
    );
    assert.match(execFileSync(program(), ['--version'], { encoding: 'utf8' }), /Server 1\.29\.1/);
    assert.equal(readFileSync(join(dirname(program()), 'origin'), 'utf8'), 'download');
    assert.equal(requests.filter((url) => url === '/archive').length, 1);
    assert.match(requests[0] ?? '', new RegExp(`^/v${PINNED}\\?arch=\\w+&platform=\\w+&format=tar\\.gz$`));
  });

  it('takes over from one that died and leaves nothing half-made behind', async () => {
    await bringIn(address);
    rmSync(dirname(program()), { recursive: true });
    writeFileSync(`${dirname(program())}.lock`, '99999999');
    mkdirSync(`${dirname(program())}.draft-99999999`);

    const { exitCode } = await bringIn(address);

    assert.equal(exitCode, 0);
    assert.deepEqual(readdirSync(join(folder, 'cache', 'temporal')), [PINNED]);
  });

  for (const [what, text] of [
    ['is empty', ''],
    ['names a process that has nothing to do with it', String(process.pid)],
  ] as const) {
    it(`takes over a lock that ${what} and that nobody has touched for long`, async () => {
      const lock = `${dirname(program())}.lock`;
      mkdirSync(dirname(lock), { recursive: true });
      writeFileSync(lock, text);
      utimesSync(lock, new Date(0), new Date(0));

      const { exitCode } = await bringIn(address);

      assert.equal(exitCode, 0);
      assert.deepEqual(readdirSync(dirname(lock)), [PINNED]);
    });
  }

  it('says that a long build still runs', () => {
    const lines = 'const lines = []; const options = { everyMs: 5, say: (line) => lines.push(line) };';
    const work = 'await saying("still building", new Promise((resolve) => setTimeout(resolve, 200)), options);';
    const code = `import { saying } from ${JSON.stringify(SCRIPT)}; ${lines} ${work} console.log(lines[0]);`;

    const output = execFileSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8' });

    assert.equal(output, 'still building (0 s so far)\n');
  });

  it('says why neither way worked', async function () {
    if (existsSync('/usr/bin/go')) this.skip();

    const { exitCode, complaint } = await bringIn(`http://127.0.0.1:${await choosePort(null)}`);

    assert.equal(exitCode, 1);
    assert.match(complaint, /^download: .*ECONNREFUSED.*; build: no Go is installed\n$/);
    assert.deepEqual(readdirSync(join(folder, 'cache', 'temporal')), []);
  });
});
