import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ServiceRecord, StateFolder } from '../../servers/find/state-folder.ts';
import { SERVICE_NAMES, type ServiceName, type ServicesConfig } from '../../servers/services.ts';
import { choosePort } from '../../servers/start/ports.ts';
import { stopServices } from '../../servers/start/start-services.ts';

/** A configuration that finds nothing in the environment. */
export function emptyConfig(stateDir: string): ServicesConfig {
  return {
    stateDir,
    databaseUrl: null,
    ownerUrl: null,
    redisUrl: null,
    temporalAddress: null,
    temporalNamespace: 'default',
    temporalUiUrl: null,
    noInstall: process.env.MUSTER_NO_INSTALL === '1',
    allowUpgrade: false,
  };
}

/** A state folder of a test's own, whose servers never take the usual ports. */
export class OwnState {
  readonly config: ServicesConfig;
  readonly folder: StateFolder;

  private constructor(path: string) {
    this.config = emptyConfig(path);
    this.folder = new StateFolder(path);
  }

  /** The records of servers that are long gone make the set-up ask for their ports, which are free ones. */
  static async create(): Promise<OwnState> {
    const state = new OwnState(mkdtempSync(join(tmpdir(), 'muster-state-')));
    state.folder.create();
    for (const name of SERVICE_NAMES) state.folder.remember(name, await goneRecord());
    return state;
  }

  record(service: ServiceName): ServiceRecord {
    const record = this.folder.records()[service];
    if (record === undefined) throw new Error(`${service} is not remembered.`);
    return record;
  }

  async remove(): Promise<void> {
    await stopServices(this.config);
    rmSync(this.folder.path, { recursive: true, force: true });
  }
}

async function goneRecord(): Promise<ServiceRecord> {
  return {
    pid: process.pid,
    processStartedAt: 'long ago',
    port: await choosePort(null),
    uiPort: await choosePort(null),
    source: 'installed',
    version: '0',
    startedAt: new Date(0).toISOString(),
    ready: true,
  };
}
