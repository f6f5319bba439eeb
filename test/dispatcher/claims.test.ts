import assert from 'node:assert/strict';
import { v7 as uuid } from 'uuid';
import { openDatabase } from '../../database/open-orm.ts';
import { publishGraphs } from '../../database/publish-graphs.ts';
import type { Database } from '../../database/transaction.ts';
import { DEFAULT_TENANT, SYSTEM_TENANT, type TaskId, type TraceId } from '../../domain/ids.ts';
import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import { ClaimRepository } from '../../entities/tasks/claim-repository.ts';
import { TaskRepository } from '../../entities/tasks/task-repository.ts';
import { type ClonedDatabase, cloneDatabase, sharedStack } from '../support/stack.ts';
import { scriptedGraphs } from '../system/acceptance/graphs.ts';
import { Script } from '../system/acceptance/script.ts';

const TASK_QUEUE = 'claims';

describe('a claim', () => {
  let clone: ClonedDatabase;
  let database: Database;
  let graphId: string;

  before(async () => {
    clone = await cloneDatabase(await sharedStack(), 'claims');
    database = openDatabase({ url: clone.databaseUrl, poolSize: 4, applicationName: 'claims' });
    const definitions = [scriptedGraphs(new Script()).single.definition];
    await publishGraphs(database, { tenant: SYSTEM_TENANT, taskQueue: TASK_QUEUE, definitions });
    const graph = await database.inTenant(DEFAULT_TENANT, ({ em }) =>
      new GraphRepository(em).newest(DEFAULT_TENANT, 'single'),
    );
    graphId = graph?.id ?? '';
  });
  after(async () => {
    await database?.close();
    await clone?.drop();
  });

  const insert = async (userId: string | null, priority = 5): Promise<TaskId> => {
    const id = uuid() as TaskId;
    const named = { graphId, graphName: 'single', taskQueue: TASK_QUEUE, title: 'title' };
    const input = { json: '{}', artifactId: null };
    const rest = { idempotencyKey: null, requestHash: 'hash', input, dueDate: null, metadata: {}, actor: 'test' };
    await database.inTenant(DEFAULT_TENANT, ({ em }) =>
      new TaskRepository(em).insert({ id, tenant: DEFAULT_TENANT, ...named, priority, userId, ...rest }),
    );
    return id;
  };
  const claim = async (ids: readonly TaskId[], workerId = 'worker') => {
    const wanted = new Map(ids.map((id) => [id, uuid() as TraceId]));
    const claimed = await database.inSystem('dispatch', ({ em }) =>
      new ClaimRepository(em).claim(
        wanted,
        { workerId, taskQueue: TASK_QUEUE, handlers: ['agent:slow-step'] },
        { record: true },
      ),
    );
    return claimed.map((task) => task.execution.taskId);
  };

  it('C019: leaves a task alone that is not first in its user’s line, even while the user is free', async () => {
    const [first, second] = [await insert('in-line'), await insert('in-line')];

    assert.deepEqual(await claim([second]), []);
    assert.deepEqual(await claim([second, first]), [first]);
    assert.deepEqual(await claim([second]), []);
  });

  it('C019: puts a user’s more urgent task before the older one', async () => {
    const [older, urgent] = [await insert('urgent'), await insert('urgent', 2)];

    assert.deepEqual(await claim([older]), []);
    assert.deepEqual(await claim([urgent]), [urgent]);
  });

  it('C085: gives a task to one of those that claim it together', async () => {
    const ids = [await insert(null), await insert(null), await insert(null)];

    const claims = await Promise.all(['one', 'two', 'three', 'four'].map((workerId) => claim(ids, workerId)));

    assert.deepEqual(claims.flat().toSorted(), ids.toSorted());
  });
});
