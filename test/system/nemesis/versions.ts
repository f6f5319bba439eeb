import type { Installation } from './installation.ts';

/** What a run ran on. */
export async function versionsText({ world, redis }: Installation): Promise<string> {
  const [postgresql] = await world.query<{ server_version: string }>('show server_version');
  const server = /redis_version:(\S+)/.exec(await redis.info('server'))?.[1];
  const temporal = await world.temporal.workflowService.getSystemInfo({});
  return (
    `PostgreSQL ${postgresql?.server_version}, Redis ${server}, Temporal ${temporal.serverVersion}, ` +
    `Node ${process.versions.node}`
  );
}
