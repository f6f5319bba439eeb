import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Answer, Request } from './peers/serve.ts';
import type { Rival } from './rival.ts';
import type { Usage } from './usage.ts';

/** A peer in a process of its own, which is measured there, so that neither loads the other's process. */
export interface PeerProcess {
  readonly pid: number;
  /** One of its works as a rival. */
  rival(work: string, named: Pick<Rival, 'name' | 'databaseUrl'>): Rival;
  /** Carries out so many that wait already. Gives the milliseconds from the first start to the last end. */
  drain(count: number): Promise<number>;
  usage(): Promise<Usage>;
  close(): Promise<void>;
}

/** Starts a file of peers/ and waits until it is ready. */
export async function startPeer(file: string, storeUrl: string): Promise<PeerProcess> {
  const path = fileURLToPath(new URL(`./peers/${file}`, import.meta.url));
  const child = fork(path, [storeUrl], {
    stdio: ['ignore', 2, 2, 'ipc'],
    execArgv: [...process.execArgv, '--no-deprecation'],
  });
  const gone = once(child, 'exit').then(([status]) => {
    throw new Error(`The peer ${file} ended with ${status}; what it printed is above.`);
  });
  gone.catch(() => undefined);
  const answer = async <Result>(): Promise<Result> => {
    const [{ result, fault }]: [Answer] = await Promise.race([once(child, 'message') as Promise<[Answer]>, gone]);
    if (fault !== null) throw new Error(`The peer ${file} failed: ${fault}`);
    return result as Result;
  };
  const ask = <Result>(request: Request): Promise<Result> => {
    const answered = answer<Result>();
    child.send(request);
    return answered;
  };
  await answer();
  const usage = () => ask<Usage>({ ask: 'usage' });
  return {
    pid: child.pid ?? 0,
    rival: (work, named) => ({
      ...named,
      rate: (options) => ask({ ask: 'rate', work, ...options }),
      times: (runs) => ask({ ask: 'times', work, runs }),
      usage,
    }),
    drain: (count) => ask({ ask: 'drain', count }),
    usage,
    close: async () => {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}
