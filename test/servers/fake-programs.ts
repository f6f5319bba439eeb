import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder of a test's own that comes first on the PATH: what stands in it is found before the system's programs. */
export class FakePrograms {
  readonly folder = mkdtempSync(join(tmpdir(), 'muster-programs-'));
  readonly #path = process.env.PATH ?? '';

  constructor() {
    process.env.PATH = `${this.folder}:${this.#path}`;
  }

  /** A shell script under this name. `$CALLS` is a file to which it may append. */
  add(name: string, script: string): string {
    const path = join(this.folder, name);
    mkdirSync(join(path, '..'), { recursive: true });
    writeFileSync(path, `#!/bin/sh\nCALLS='${this.#calls}'\n${script}\n`);
    chmodSync(path, 0o755);
    return path;
  }

  /** What the programs appended to `$CALLS`, line by line. */
  calls(): string[] {
    try {
      return readFileSync(this.#calls, 'utf8').trim().split('\n');
    } catch {
      return [];
    }
  }

  get #calls(): string {
    return join(this.folder, 'calls');
  }

  remove(): void {
    process.env.PATH = this.#path;
    rmSync(this.folder, { recursive: true, force: true });
  }
}
