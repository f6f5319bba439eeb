import { openDatabase } from '../../database/open-orm.ts';
import { HostingRepository } from '../../entities/agents/hosting-repository.ts';

/** The processes, other than this one, whose workers serve a task queue now, sorted. */
export async function otherWorkers(
  databaseUrl: string,
  { taskQueue, workerId }: { readonly taskQueue: string; readonly workerId: string },
): Promise<string[]> {
  const database = openDatabase({ url: databaseUrl, poolSize: 1, applicationName: `muster ${workerId}` });
  try {
    const serving = await database.single.inSystem('inspect', ({ em }) => new HostingRepository(em).serving(taskQueue));
    return serving.filter((name) => name !== workerId);
  } finally {
    await database.close();
  }
}
