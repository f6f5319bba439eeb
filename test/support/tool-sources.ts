import { mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ToldTool } from './tool-server.ts';

const SERVER = fileURLToPath(new URL('./tool-server.ts', import.meta.url));

/** The reference server of the protocol, which speaks its older era. */
export const EVERYTHING = fileURLToPath(import.meta.resolve('@modelcontextprotocol/server-everything/dist/index.js'));

/** A server of the newer era whose tools a test describes. */
export interface ToldServer {
  /** For the settings of its source. */
  readonly program: { readonly command: string; readonly args: readonly string[] };
  /** Describes a tool anew, while the server runs. */
  tell(name: string, tool: ToldTool): Promise<void>;
  /** The names of the tools that were called, in the order of the calls. */
  calls(): Promise<string[]>;
}

export async function toldServer(tools: Readonly<Record<string, ToldTool>>): Promise<ToldServer> {
  const file = join(await mkdtemp(join(tmpdir(), 'muster-tools-')), 'tools.json');
  let told = tools;
  const write = () => writeFile(file, JSON.stringify(told));
  await write();
  return {
    program: { command: process.execPath, args: ['--disable-warning=ExperimentalWarning', SERVER, file] },
    tell: async (name, tool) => {
      told = { ...told, [name]: tool };
      await write();
    },
    calls: async () => (await readFile(`${file}.calls`, 'utf8').catch(() => '')).split('\n').filter(Boolean),
  };
}

/** Writes settings of sources. @returns for `MUSTER_TOOL_SOURCES` */
export async function toolSourcesFile(sources: object): Promise<string> {
  const path = join(await mkdtemp(join(tmpdir(), 'muster-sources-')), 'tool-sources.json');
  await writeFile(path, JSON.stringify({ sources }));
  return path;
}
