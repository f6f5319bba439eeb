import { createServer } from 'node:net';
import getPort from 'get-port';

import { LOOPBACK } from '../find/own-addresses.ts';

/** Whether a server could listen on this loopback port now. */
export function isPortFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ port, host: LOOPBACK, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** `preferred` if it is free, otherwise any free loopback port. Nothing reserves it until a server listens. */
export async function choosePort(preferred: number | null): Promise<number> {
  return preferred !== null && (await isPortFree(preferred)) ? preferred : getPort({ host: LOOPBACK });
}
