import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findProgram } from '../../../servers/install/commands.ts';
import { installPackages, isPackageOffered, removeLeftPolicy } from '../../../servers/install/packages.ts';
import { eventually } from '../../support/eventually.ts';
import { FakePrograms } from '../fake-programs.ts';

/** A package manager that upgrades `$UPGRADES`, and whose packages start their servers as Debian's do. */
const APT = `
echo "apt-get $*" >> "$CALLS"
case " $* " in
  *" update "*) echo "E: one source does not answer"; exit 100 ;;
  *" --simulate "*)
    printf 'Inst libpq5 [15.1-1] (15.2-1 Debian:12 [amd64])\\nInst new-package (1.0 Debian:12 [amd64])\\n'
    cat "$(dirname "$0")/upgrades" 2> /dev/null
    exit 0 ;;
esac
for argument in "$@"; do
  case "$argument" in DPkg::Path=*) PATH="\${argument#DPkg::Path=}" ;; esac
done
invoke-rc.d redis-server start
deb-systemd-invoke start redis-server.service
exit 0`;

describe('installing system packages', () => {
  let programs: FakePrograms;
  let announced: string[];

  beforeEach(() => {
    programs = new FakePrograms();
    announced = [];
    programs.add('apt-get', APT);
    programs.add('apt-cache', 'printf "x:\\n  Candidate: (none)\\n"');
    programs.add('dpkg-query', 'exit 1');
    // Found only by packages that may start their servers.
    for (const tool of ['invoke-rc.d', 'deb-systemd-invoke']) programs.add(tool, 'echo started >> "$CALLS"');
    programs.add('sudo', 'shift; exec "$@"');
  });

  afterEach(() => programs.remove());

  const install = (allowUpgrade = false) =>
    installPackages(['new-package'], {
      noInstall: false,
      allowUpgrade,
      announce: (text) => void announced.push(text),
    });
  const installations = () => programs.calls().filter((call) => / install /.test(call) && !/simulate/.test(call));
  const upgrade = (line: string) => writeFileSync(join(programs.folder, 'upgrades'), `${line}\n`);

  /** A process that this machine shows as a running server. */
  async function runServer(name: string) {
    const sleep = await findProgram('sleep');
    symlinkSync(sleep ?? '', join(programs.folder, name));
    const child = spawn(join(programs.folder, name), ['60']);
    await once(child, 'spawn');
    await eventually(() => assert.equal(readFileSync(`/proc/${child.pid}/comm`, 'utf8').trim(), name));
    return child;
  }

  it('is simulated first, removes nothing, and continues although one source of lists does not answer', async () => {
    await install();

    const [first, second] = programs.calls().filter((call) => / install /.test(call));
    assert.match(first ?? '', /--no-remove .*--simulate -- new-package$/);
    assert.match(second ?? '', /--no-remove .* -- new-package$/);
    assert.deepEqual(announced, ['installing the system package new-package']);
  });

  it('starts no server, by nothing that outlives the installation', async () => {
    await install();

    const [call = ''] = installations();
    const folder = /DPkg::Path=([^:]+):/.exec(call)?.[1] ?? '';
    assert.match(folder, /muster-install-/);
    assert.equal(existsSync(folder), false);
    assert.ok(!programs.calls().includes('started'));
  });

  it('upgrades libraries, and a server that nobody uses', async () => {
    upgrade('Inst postgresql-99 [99.1-1] (99.2-1 Debian:12 [amd64])');

    await install();

    assert.equal(installations().length, 1);
  });

  it('upgrades no server that runs: it says which, by whom it is used, and how to ask for it', async () => {
    const server = await runServer('valkey-server');
    upgrade('Inst valkey-server [8.0-1] (8.1-1 Debian:13 [amd64])');

    await assert.rejects(install(), {
      message: new RegExp(
        'installing new-package would upgrade valkey-server from 8\\.0-1 to 8\\.1-1, and .* runs \\(process \\d+\\)\\. ' +
          '.*`(sudo )?apt-get install new-package` when it suits you, or set MUSTER_ALLOW_UPGRADE=1\\.$',
      ),
    });
    server.kill();
    assert.deepEqual(installations(), []);
    assert.deepEqual(announced, []);
  });

  it('upgrades a server that runs where that is asked for, and lets its package start it again', async () => {
    const server = await runServer('valkey-server');
    upgrade('Inst valkey-server [8.0-1] (8.1-1 Debian:13 [amd64])');

    await install(true);

    server.kill();
    assert.equal(programs.calls().filter((call) => call === 'started').length, 2);
    assert.match(announced[1] ?? '', /^upgrading valkey-server from 8\.0-1 to 8\.1-1/);
  });

  it('says what the package manager says where it cannot be done', async () => {
    programs.add('apt-get', 'echo "E: Unable to locate package new-package"; exit 100');

    await assert.rejects(install(), /new-package cannot be installed, apt-get says: E: Unable to locate package/);
  });

  it('asks the lists that are there whether a package is offered', async () => {
    assert.equal(await isPackageOffered('anything'), false);
  });

  it('removes the policy that an older Muster left behind when it was killed, and no other', async () => {
    const path = join(programs.folder, 'policy-rc.d');
    const administrators = '#!/bin/sh\n# no servers by muster\nexit 101\n';
    writeFileSync(path, administrators);
    await removeLeftPolicy(path);
    assert.equal(readFileSync(path, 'utf8'), administrators);

    writeFileSync(path, '#!/bin/sh\n# placed by muster while it installs packages\nexit 101\n');
    await removeLeftPolicy(path);

    assert.equal(existsSync(path), false);
    await removeLeftPolicy(path);
  });
});
