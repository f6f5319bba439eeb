import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { postgresqlSecrets } from '../../../servers/find/own-addresses.ts';
import { findPostgresql, installedPrograms, installPostgresql } from '../../../servers/install/postgresql-program.ts';
import { keptData, postgresqlFolder } from '../../../servers/start/server-user.ts';
import { FakePrograms } from '../fake-programs.ts';

describe('the program for PostgreSQL', () => {
  let programs: FakePrograms;
  let state: string;

  beforeEach(() => {
    programs = new FakePrograms();
    state = mkdtempSync(join(tmpdir(), 'muster-kept-'));
    programs.add('initdb', 'exit 0');
  });

  afterEach(() => {
    programs.remove();
    rmSync(state, { recursive: true, force: true });
  });

  /** An installed PostgreSQL of this version, first on the PATH and so beside those of the machine. */
  function installed(version: string, { vector }: { vector: boolean }): void {
    programs.add('postgres', `echo "postgres (PostgreSQL) ${version}"`);
    programs.add('pg_config', `echo '${programs.folder}/share'; echo '${programs.folder}/lib'`);
    if (!vector) return;
    mkdirSync(join(programs.folder, 'share', 'extension'), { recursive: true });
    writeFileSync(join(programs.folder, 'share', 'extension', 'vector.control'), '');
    mkdirSync(join(programs.folder, 'lib'), { recursive: true });
    writeFileSync(join(programs.folder, 'lib', 'vector.so'), '');
  }

  function keep(major: number): void {
    mkdirSync(join(state, 'postgresql', 'data'), { recursive: true });
    writeFileSync(join(state, 'postgresql', 'data', 'PG_VERSION'), `${major}\n`);
  }

  it('is the newest with pgvector where there are no data yet', async () => {
    installed('98.3', { vector: true });

    assert.equal((await findPostgresql(keptData(state)))?.version, '98.3');
  });

  it('is judged where it is installed when the PATH has only a link to it', async () => {
    const server = programs.add('installed/bin/postgres', 'echo "postgres (PostgreSQL) 98.3"');
    programs.add('installed/bin/initdb', 'exit 0');
    programs.add('installed/bin/pg_config', `echo '${programs.folder}/share'; echo '${programs.folder}/lib'`);
    symlinkSync(server, join(programs.folder, 'postgres'));

    const [found] = (await installedPrograms()).filter(({ version }) => version === '98.3');

    assert.deepEqual([found?.path, found?.hasVector], [realpathSync(server), false]);
  });

  it('is the one of the version that wrote the data, not the newest', async () => {
    installed('98.3', { vector: true });
    keep(97);
    assert.equal(await findPostgresql(keptData(state)), null);

    installed('97.1', { vector: true });

    assert.equal((await findPostgresql(keptData(state)))?.version, '97.1');
  });

  it('is told in one sentence where there is none of the version that wrote the data', async () => {
    installed('98.3', { vector: true });
    keep(97);
    const options = { noInstall: true, allowUpgrade: false, announce: () => undefined };

    await assert.rejects(installPostgresql(keptData(state), options), (error: Error) => {
      assert.match(
        error.message,
        /^only PostgreSQL 97 reads the data in .*data, and the installed versions are: 98\.3/,
      );
      assert.match(error.message, /Install PostgreSQL 97, or set MUSTER_STATE_DIR to another folder/);
      return true;
    });
  });

  it('is not started without pgvector: what is missing is installed first, or named', async () => {
    installed('97.1', { vector: false });
    keep(97);
    const options = { noInstall: true, allowUpgrade: false, announce: () => undefined };

    assert.equal(await findPostgresql(keptData(state)), null);
    await assert.rejects(installPostgresql(keptData(state), options), {
      message: /^PostgreSQL 97\.1 \(.*\) has no pgvector, which could not be installed: MUSTER_NO_INSTALL=1 forbids/,
    });
  });

  it('is not started with passwords that cannot be read, which are left as they are', () => {
    const path = join(state, 'secrets.json');
    writeFileSync(path, '');

    assert.throws(() => postgresqlSecrets(path), { code: 'service_start_failed', message: /Restore that file/ });
    assert.equal(readFileSync(path, 'utf8'), '');
  });

  it('finds the data where they are, although they would be made elsewhere today', () => {
    keep(97);

    assert.equal(postgresqlFolder(state, { uid: 1, gid: 1 }), join(state, 'postgresql'));
  });
});
