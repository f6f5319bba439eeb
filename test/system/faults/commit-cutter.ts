import { once } from 'node:events';
import { connect, createServer, type Socket } from 'node:net';

/**
 * A proxy in front of PostgreSQL that cuts connections around a COMMIT. In turns it cuts before the request is handed
 * on, so that nothing was committed, and after the server has committed and before its answer is handed on. The caller
 * that waits for the answer cannot tell one from the other.
 */
export interface CommitCutter {
  readonly port: number;
  readonly lostRequests: number;
  readonly lostAnswers: number;
  /** Cuts around every n-th COMMIT from now on; 0 cuts none. */
  cutEvery(count: number): void;
  close(): Promise<void>;
}

/** As the protocol's simple query carries it, and as the server answers it. */
const REQUEST = Buffer.from('commit\0');
const ANSWER = Buffer.from('COMMIT\0');

/** Starts one on a free loopback port, in front of a server on loopback. */
export async function startCommitCutter(targetPort: number): Promise<CommitCutter> {
  const sockets = new Set<Socket>();
  const counts = { commits: 0, lostRequests: 0, lostAnswers: 0 };
  let every = 0;
  const decide = (): 'pass' | 'loseRequest' | 'loseAnswer' => {
    counts.commits += 1;
    if (every === 0 || counts.commits % every !== 0) return 'pass';
    return counts.lostRequests <= counts.lostAnswers ? 'loseRequest' : 'loseAnswer';
  };
  const server = createServer((client) => {
    const target = connect({ port: targetPort, host: '127.0.0.1' });
    const cut = () => {
      client.destroy();
      target.destroy();
    };
    let losesAnswer = false;
    client.on('data', (chunk: Buffer) => {
      const decision = chunk.includes(REQUEST) ? decide() : 'pass';
      if (decision === 'loseRequest') {
        counts.lostRequests += 1;
        return cut();
      }
      losesAnswer ||= decision === 'loseAnswer';
      target.write(chunk);
    });
    target.on('data', (chunk: Buffer) => {
      if (losesAnswer && chunk.includes(ANSWER)) {
        counts.lostAnswers += 1;
        return cut();
      }
      client.write(chunk);
    });
    for (const socket of [client, target]) {
      sockets.add(socket);
      socket.on('error', cut).on('close', () => {
        sockets.delete(socket);
        cut();
      });
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    get port() {
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    },
    get lostRequests() {
      return counts.lostRequests;
    },
    get lostAnswers() {
      return counts.lostAnswers;
    },
    cutEvery: (count) => {
      every = count;
    },
    close: () => {
      for (const socket of sockets) socket.destroy();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}
