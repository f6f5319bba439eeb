import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { byHand, type System } from '../../../servers/install/by-hand.ts';

const DEBIAN_13 = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nVERSION_ID="13"\nID=debian\n';
const DEBIAN_12 = 'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"\nVERSION_ID="12"\nID=debian\n';
const UBUNTU_24 = 'PRETTY_NAME="Ubuntu 24.04.3 LTS"\nVERSION_ID="24.04"\nID=ubuntu\nID_LIKE=debian\n';
const UBUNTU_22 = 'PRETTY_NAME="Ubuntu 22.04.5 LTS"\nVERSION_ID="22.04"\nID=ubuntu\nID_LIKE=debian\n';
const FEDORA = 'NAME="Fedora Linux"\nVERSION_ID=42\nID=fedora\nPRETTY_NAME="Fedora Linux 42"\n';
const ALPINE = 'NAME="Alpine Linux"\nID=alpine\nVERSION_ID=3.22.0\nPRETTY_NAME="Alpine Linux v3.22"\n';

const CONTAINERS = /in containers:\n {4}docker compose up -d --wait && npm start\n/;

describe('the manual installation', () => {
  const on = (changes: Partial<System>) =>
    byHand({ platform: 'linux', release: DEBIAN_13, hasSudo: false, hasCompose: true, ...changes });

  it('is the exact command for the system at hand, with containers as an equal way', () => {
    const systems: [Partial<System>, RegExp][] = [
      [
        {},
        /on Debian GNU\/Linux 13 \(trixie\):\n {4}sudo apt-get .*'\^postgresql-\[0-9\]\+-pgvector\$' redis-server\n/,
      ],
      [{ release: UBUNTU_24 }, /on Ubuntu 24\.04\.3 LTS:\n {4}sudo apt-get .*pgvector\$' redis-server\n/],
      [{ release: DEBIAN_12 }, /apt\.postgresql\.org\.sh -y && sudo apt-get install -y postgresql-17-pgvector\n/],
      [{ release: FEDORA }, /on Fedora Linux 42:\n {4}sudo dnf install -y postgresql-server pgvector valkey\n/],
      [{ platform: 'darwin', release: null }, /by Homebrew:\n {4}brew install postgresql@17 pgvector redis\n/],
    ];
    for (const [system, command] of systems) {
      assert.match(on(system), command);
      assert.match(on(system), CONTAINERS);
    }
    assert.match(on({ platform: 'win32', release: null }), /wsl --install -d Debian/);
  });

  it('runs Muster in a container, too, where its libraries have no build for the system', () => {
    assert.match(
      on({ release: ALPINE }),
      /docker compose up -d --wait && docker run .* node:24-bookworm-slim npm start/,
    );
  });

  it('lets Muster install where the user may become root by a password', () => {
    assert.match(on({ hasSudo: true }), /where you may use sudo:\n {4}sudo -v && npm start\n/);
    assert.doesNotMatch(on({}), /sudo -v/);
    assert.doesNotMatch(on({ hasSudo: true, release: FEDORA }), /sudo -v/);
  });

  it('names containers alone on a system that it does not know or whose Redis is too old, and where the rest is written', () => {
    const text = on({ release: 'ID=guix\n' });

    for (const told of [text, on({ release: UBUNTU_22 })]) {
      assert.match(told, CONTAINERS);
      assert.doesNotMatch(told, /apt-get|dnf|brew/);
    }
    assert.match(text, /docs\/operations\.md, "Manual installation"\.$/);
  });

  it('stands in the operations page as it is printed', () => {
    const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
    const systems: Partial<System>[] = [
      {},
      { release: DEBIAN_12 },
      { release: FEDORA },
      { release: ALPINE },
      { platform: 'darwin', release: null },
      { platform: 'win32', release: null },
    ];
    for (const system of systems) {
      const commands = on(system).match(/(?<=^ {4}).*$/gm);
      assert.ok(commands, `no command for ${JSON.stringify(system)}`);
      for (const command of commands) assert.ok(page.includes(command), command);
    }
  });
});
