import { readFileSync } from 'node:fs';
import { z } from 'zod';
import type { ServicesConfig } from '../services.ts';
import { removeWhole, type StateFolder, writeAtomically } from './state-folder.ts';

const composeServers = z.object({
  databaseUrl: z.string(),
  ownerUrl: z.string(),
  redisUrl: z.string(),
  temporalAddress: z.string(),
  temporalUiUrl: z.string(),
});

/** The addresses and logins of a set of three servers. */
export type ComposeServers = z.infer<typeof composeServers>;

/** Those of `compose.yaml`. The passwords protect nothing. */
export const COMPOSE_SERVERS: ComposeServers = {
  databaseUrl: 'postgres://muster:muster@127.0.0.1:5432/muster',
  ownerUrl: 'postgres://muster_owner:muster@127.0.0.1:5432/muster',
  redisUrl: 'redis://:muster@127.0.0.1:6379',
  temporalAddress: '127.0.0.1:7233',
  temporalUiUrl: 'http://127.0.0.1:8233',
};

/**
 * The configuration with the servers of `compose.yaml`, if this project uses them and nothing else is configured. All
 * other code then treats them like the user's own servers.
 */
export function withCompose(config: ServicesConfig, folder: StateFolder): ServicesConfig {
  if (!namesNoServer(config)) return config;
  const taken = takenServers(folder);
  return taken === null ? config : { ...config, ...taken, compose: true };
}

/** Remembers that this project uses these servers, because they have its data. */
export function rememberCompose(folder: StateFolder, servers: ComposeServers): void {
  writeAtomically(takenFile(folder), JSON.stringify(servers));
}

export function leaveCompose(folder: StateFolder): void {
  removeWhole(takenFile(folder));
}

/** Whether the configuration names no server, so that those of `compose.yaml` may be used. */
export function namesNoServer({ databaseUrl, redisUrl, temporalAddress }: ServicesConfig): boolean {
  return databaseUrl === null && redisUrl === null && temporalAddress === null;
}

/** The servers of `compose.yaml` if this project uses them, or `null`. */
export function takenServers(folder: StateFolder): ComposeServers | null {
  try {
    return composeServers.parse(JSON.parse(readFileSync(takenFile(folder), 'utf8')));
  } catch {
    return null;
  }
}

function takenFile(folder: StateFolder): string {
  return folder.file('compose.json');
}
