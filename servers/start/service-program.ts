import type { ChildProcess } from 'node:child_process';
import type { ProcessIdentity } from '../find/process-identity.ts';
import type { ProgramSource } from '../services.ts';
import type { ServerUser } from './processes.ts';

/** A program found on this machine or brought to it. */
export interface ServiceProgram {
  /** The server's executable. */
  path: string;
  source: ProgramSource;
  version: string;
}

/** A server process just started; it may not answer yet. */
export interface LaunchedServer {
  child: ChildProcess;
  identity: ProcessIdentity;
}

/** What a server of any kind is launched with. */
export interface LaunchPlan {
  program: ServiceProgram;
  port: number;
  logPath: string;
  /** Folder that holds the data, and the working folder of the process. */
  dataFolder: string;
  user: ServerUser | null;
}
