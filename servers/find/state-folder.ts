import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import envPaths from 'env-paths';
import { z } from 'zod';
import { FolderUnusable, RecordsUnreadable } from '../server-errors.ts';
import { SERVICE_NAMES, type ServiceName } from '../services.ts';
import { isAlive, type ProcessIdentity, serversIn } from './process-identity.ts';
import { projectFolder, projectName } from './project.ts';

const PROGRAM_SOURCES = ['installed', 'package manager', 'download', 'build'] as const;

const serviceRecord = z.object({
  pid: z.number().int().positive(),
  /** Mark of the process's start, so that a later process with the same pid is never taken for ours. */
  processStartedAt: z.string(),
  port: z.number().int(),
  /** Only Temporal has one. */
  uiPort: z.number().int().nullable(),
  /** Where the program came from. */
  source: z.enum(PROGRAM_SOURCES),
  version: z.string(),
  /** The program's file as it was at the launch, so that one that was replaced since is noticed. Older records lack it. */
  program: z.object({ path: z.string(), mark: z.string().nullable() }).optional(),
  /** ISO 8601. */
  startedAt: z.string(),
  /** False until the service has answered and was prepared; the next set-up then continues from there. */
  ready: z.boolean(),
});

/** What the state folder remembers of one server that Muster started. */
export type ServiceRecord = z.infer<typeof serviceRecord> & ProcessIdentity;

const lastPorts = serviceRecord.pick({ port: true, uiPort: true });

const stateFile = z.object({
  services: z.partialRecord(z.enum(SERVICE_NAMES), serviceRecord),
  /** Outlive the records, so that a server comes back where running programs look for it. Older files lack them. */
  ports: z.partialRecord(z.enum(SERVICE_NAMES), lastPorts).default({}),
});

/** The folder of everything that Muster's own services keep for one project of a user. */
export class StateFolder {
  readonly path: string;

  constructor(stateDir: string | null) {
    this.path = stateDir ?? defaultStateDir();
  }

  get lockPath(): string {
    return join(this.path, 'set-up.lock');
  }

  /** Where a service appends what it prints. */
  logPath(service: ServiceName): string {
    return join(this.path, 'logs', `${service}.log`);
  }

  /** A file or folder of the state folder. */
  file(name: string): string {
    return join(this.path, name);
  }

  /**
   * Makes the folder and its log folder. Others may pass through the folder but not list it: a server that runs as
   * another user must reach its own data folder in it.
   * @throws FolderUnusable
   */
  create(): void {
    makeUsable(this.path, 'MUSTER_STATE_DIR');
    mkdirSync(join(this.path, 'logs'), { recursive: true, mode: 0o700 });
    if (statSync(this.path).uid === process.getuid?.()) chmodSync(this.path, 0o711);
  }

  /** The servers that Muster started. @throws RecordsUnreadable */
  records(): Partial<Record<ServiceName, ServiceRecord>> {
    return this.#read().services;
  }

  /** The record of a server that Muster started and whose very process still runs, or `null`. @throws RecordsUnreadable */
  aliveRecord(service: ServiceName): ServiceRecord | null {
    const record = this.records()[service];
    return record !== undefined && isAlive(record) ? record : null;
  }

  /** The ports that a service had the last time, also after it was forgotten. @throws RecordsUnreadable */
  lastPorts(service: ServiceName): Pick<ServiceRecord, 'port' | 'uiPort'> | null {
    const { services, ports } = this.#read();
    return services[service] ?? ports[service] ?? null;
  }

  /**
   * Remembers a service, or forgets it with `null` but for its ports. Atomic: a reader sees the old file or the new one.
   * @throws RecordsUnreadable
   */
  remember(service: ServiceName, record: ServiceRecord | null): void {
    const { services, ports } = this.#read();
    const { [service]: before, ...others } = services;
    const last = record ?? before ?? null;
    const text = JSON.stringify(
      {
        services: record === null ? others : { ...others, [service]: record },
        ports: last === null ? ports : { ...ports, [service]: lastPorts.parse(last) },
      },
      null,
      2,
    );
    writeAtomically(this.file('services.json'), `${text}\n`);
  }

  /** A file that is there and says nothing is never taken for none: a second server would write to the same data. */
  #read(): z.infer<typeof stateFile> {
    const path = this.file('services.json');
    try {
      return stateFile.parse(JSON.parse(readFileSync(path, 'utf8')));
    } catch (error) {
      if (isAbsent(error)) return { services: {}, ports: {} };
      throw new RecordsUnreadable({ path, running: serversIn(this.path) });
    }
  }
}

function isAbsent(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

/** Replaces a file whole, also across a power cut; only the user may read it. */
export function writeAtomically(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.draft`;
  writeFileSync(draft, text, { mode: 0o600, flush: true });
  renameSync(draft, path);
}

/** Removes a file or a folder with all that is in it; absent is fine. */
export function removeWhole(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

/** Makes a folder where it is missing. @throws FolderUnusable when this user may not write into it */
export function makeUsable(path: string, variable: string): void {
  try {
    makeFolder(resolve(path));
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new FolderUnusable({ path, variable }, error);
  }
}

/** Makes a folder step by step: asked to make its parents too, Node tries forever under one that takes none (/proc). */
export function makeFolder(path: string): void {
  if (existsSync(path)) return;
  makeFolder(dirname(path));
  try {
    mkdirSync(path);
  } catch (error) {
    // Another process may have made it meanwhile.
    if (!existsSync(path)) throw error;
  }
}

/** Folder of downloads and builds that any state folder of the user may share. */
export function cacheFolder(): string {
  return envPaths('muster', { suffix: '' }).cache;
}

/** What moves {@link cacheFolder} to another place. */
export const CACHE_VARIABLE = process.platform === 'linux' ? 'XDG_CACHE_HOME' : 'HOME';

/** One for each project: the servers of two clones, and so their tasks, never meet. */
function defaultStateDir(): string {
  const paths = envPaths('muster', { suffix: '' });
  // Only Linux names a folder for state; it is the parent of the logs there.
  const state = process.platform === 'linux' ? paths.log : paths.data;
  return join(state, projectName(projectFolder()));
}
