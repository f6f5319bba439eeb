import { createHash } from 'node:crypto';
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
import { basename, dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import envPaths from 'env-paths';
import { z } from 'zod';
import { FolderUnusable, RecordsUnreadable } from '../server-errors.ts';
import { SERVICE_NAMES, type ServiceName } from '../services.ts';
import { isAlive, type ProcessIdentity, serversIn } from './process-identity.ts';

const PROGRAM_SOURCES = ['installed', 'package manager', 'download', 'build'] as const;

const serviceRecord = z.object({
  pid: z.number().int().positive(),
  /** The mark of the process's start, so that a later process with the same pid is never mistaken for it. */
  processStartedAt: z.string(),
  port: z.number().int(),
  /** Only Temporal has one. */
  uiPort: z.number().int().nullable(),
  /** The origin of the program. */
  source: z.enum(PROGRAM_SOURCES),
  version: z.string(),
  /** The program's file at the launch, so that a replaced one is noticed. Older records lack it. */
  program: z.object({ path: z.string(), mark: z.string().nullable() }).optional(),
  /** ISO 8601. */
  startedAt: z.string(),
  /** False until the service has answered and was prepared; the next set-up continues from there. */
  ready: z.boolean(),
});

/** What the state folder remembers of one server that Muster started. */
export type ServiceRecord = z.infer<typeof serviceRecord> & ProcessIdentity;

const lastPorts = serviceRecord.pick({ port: true, uiPort: true });

export type LastPorts = z.infer<typeof lastPorts>;

const stateFile = z.object({
  services: z.partialRecord(z.enum(SERVICE_NAMES), serviceRecord),
  /** They outlive the records, so that a server returns to the ports that programs know. Older files lack them. */
  ports: z.partialRecord(z.enum(SERVICE_NAMES), lastPorts).default({}),
});

/** The folder for all files of Muster's own services for one project of a user. */
export class StateFolder {
  readonly path: string;

  constructor(stateDir: string | null) {
    this.path = stateDir ?? defaultStateDir();
  }

  get lockPath(): string {
    return join(this.path, 'set-up.lock');
  }

  logPath(service: ServiceName): string {
    return join(this.path, 'logs', `${service}.log`);
  }

  file(name: string): string {
    return join(this.path, name);
  }

  /**
   * Makes the folder and its log folder. Other users may pass through the folder but not list it, because a server that
   * runs as another user must reach its data folder in it.
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

  /** The record of a server that Muster started and whose process still runs, or `null`. @throws RecordsUnreadable */
  aliveRecord(service: ServiceName): ServiceRecord | null {
    const record = this.records()[service];
    return record !== undefined && isAlive(record) ? record : null;
  }

  /** The last ports of a service, even after it was forgotten. @throws RecordsUnreadable */
  lastPorts(service: ServiceName): LastPorts | null {
    const { services, ports } = this.#read();
    return services[service] ?? ports[service] ?? null;
  }

  /**
   * Remembers a service, or with `null` forgets everything but its ports. Atomic: a reader sees the old file or the new
   * one.
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

  /** An empty or broken file is never treated as missing, or a second server would write to the same data. */
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

/** The text of a file; null for one that cannot be read. */
export function readOrNull(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/** Replaces a file as a whole, even across a power cut; only the user may read it. */
export function writeAtomically(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const draft = `${path}.${process.pid}.draft`;
  writeFileSync(draft, text, { mode: 0o600, flush: true });
  renameSync(draft, path);
}

/** Removes a file or a folder with its content, if it exists. */
export function removeWhole(path: string): void {
  rmSync(path, { recursive: true, force: true });
}

/** Makes a folder if it is missing. @throws FolderUnusable when this user may not write into it */
export function makeUsable(path: string, variable: string): void {
  try {
    makeFolder(resolve(path));
    accessSync(path, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new FolderUnusable({ path, variable }, error);
  }
}

/** Makes a folder step by step: with `recursive`, Node tries forever below one that accepts none, such as /proc. */
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

/** The folder for downloads and builds, which all state folders of the user share. */
export function cacheFolder(): string {
  return envPaths('muster', { suffix: '' }).cache;
}

/** The variable that moves {@link cacheFolder}. */
export const CACHE_VARIABLE = process.platform === 'linux' ? 'XDG_CACHE_HOME' : 'HOME';

/** One for each project: the servers of two clones, and so their tasks, never meet. */
function defaultStateDir(): string {
  const paths = envPaths('muster', { suffix: '' });
  // Only Linux has a folder for state; it is the parent of the logs there.
  const state = process.platform === 'linux' ? paths.log : paths.data;
  return join(state, projectName(projectFolder()));
}

/**
 * The folder of the project that a copy of Muster belongs to: the one whose `node_modules` holds the package, or the
 * clone itself. It does not depend on the working directory.
 *
 * @param file a file two folders below the root of the copy. @defaultValue this one
 */
export function projectFolder(file: string = fileURLToPath(import.meta.url)): string {
  const installed = file.indexOf(`${sep}node_modules${sep}`);
  return installed > 0 ? file.slice(0, installed) : dirname(dirname(dirname(file)));
}

/** A short name of a project's folder that no other folder has: readable, and safe as the name of a folder. */
export function projectName(folder: string): string {
  const readable = basename(folder)
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '')
    .slice(0, 24);
  const hash = createHash('sha256').update(folder).digest('hex').slice(0, 8);
  return readable === '' ? hash : `${readable}-${hash}`;
}
