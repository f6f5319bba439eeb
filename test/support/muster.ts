import type { Client } from '@temporalio/client';
import { type ConnectOptions, connect, type Muster } from '../../index.ts';
import { connectClient } from '../../temporal/connect.ts';
import { ensureSearchAttributes } from '../../temporal/ensure-search-attributes.ts';
import { type RunningWorker, startWorker, type WorkerOptions } from '../../worker.ts';
import { cloneDatabase, redisPrefix, type Stack, sharedStack, taskQueueName } from './stack.ts';

/** As what a further client is opened. */
type OpenedWith = Pick<ConnectOptions, 'tenant' | 'hosted'>;

/** A Muster of a test's own: a database clone, a key prefix and a task queue on servers that may be shared. */
export interface MusterUnderTest {
  readonly stack: Stack;
  readonly environment: Record<string, string>;
  readonly databaseUrl: string;
  readonly ownerUrl: string;
  readonly taskQueue: string;
  readonly client: Muster;
  /** Another client, for example of another tenant. Closed with the rest. */
  connect(options?: OpenedWith): Promise<Muster>;
  /** Temporal's own client, the same one each time. Closed with the rest. */
  temporal(): Promise<Client>;
  /** A worker in this process. Stopped with the rest. */
  work(options?: WorkerOptions): Promise<RunningWorker>;
  close(): Promise<void>;
}

export interface MusterOptions {
  readonly stack?: Stack;
  /** Replaces addresses, for example by those of proxies. */
  readonly environment?: Readonly<Record<string, string>>;
}

/** Opens one for a test with this title. */
export async function openMuster(title: string, options: MusterOptions = {}): Promise<MusterUnderTest> {
  const stack = options.stack ?? (await sharedStack());
  const clone = await cloneDatabase(stack, title);
  const taskQueue = taskQueueName(title);
  const environment = {
    ...environmentOf(stack, clone),
    MUSTER_REDIS_PREFIX: redisPrefix(title).slice(-32).replace(/^-+/, ''),
    MUSTER_TASK_QUEUE: taskQueue,
    ...options.environment,
  };
  await prepareTemporal(stack);
  const closers: (() => Promise<void>)[] = [() => clone.drop()];
  const open = async (more: OpenedWith = {}): Promise<Muster> => {
    const client = await connect({ environment, ...more });
    closers.push(() => client.close());
    return client;
  };
  const openTemporal = async (): Promise<Client> => {
    const { client, close } = await connectClient(temporalOf(stack));
    closers.push(close);
    return client;
  };
  let temporal: Promise<Client> | undefined;
  const client = await open();
  return {
    stack,
    environment,
    databaseUrl: clone.databaseUrl,
    ownerUrl: clone.ownerUrl,
    taskQueue,
    client,
    connect: open,
    temporal: () => {
      temporal ??= openTemporal();
      return temporal;
    },
    work: async (workerOptions = {}) => {
      const worker = await startWorker({ environment, ...workerOptions });
      closers.push(() => worker.stop());
      return worker;
    },
    close: async () => {
      for (const close of closers.reverse()) await close();
    },
  };
}

function environmentOf(stack: Stack, clone: { databaseUrl: string; ownerUrl: string }): Record<string, string> {
  return {
    MUSTER_DATABASE_URL: clone.databaseUrl,
    MUSTER_DATABASE_OWNER_URL: clone.ownerUrl,
    MUSTER_REDIS_URL: stack.redisUrl,
    TEMPORAL_ADDRESS: stack.temporalAddress,
    TEMPORAL_NAMESPACE: stack.temporalNamespace,
    MUSTER_TEMPORAL_UI_URL: stack.temporalUiUrl,
    MUSTER_LOG_LEVEL: process.env.MUSTER_TEST_LOG ?? 'silent',
  };
}

function temporalOf({ temporalAddress: address, temporalNamespace: namespace }: Stack) {
  return { address, namespace };
}

const prepared = new Set<string>();

/** The search attributes of a Temporal server, registered once a process. */
async function prepareTemporal(stack: Stack): Promise<void> {
  if (prepared.has(stack.temporalAddress)) return;
  const temporal = await connectClient(temporalOf(stack));
  try {
    await ensureSearchAttributes(temporal.client, temporal.namespace);
    prepared.add(stack.temporalAddress);
  } finally {
    await temporal.close();
  }
}
