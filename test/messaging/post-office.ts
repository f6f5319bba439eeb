import { v7 as uuid } from 'uuid';
import { openDatabase } from '../../database/open-orm.ts';
import type { Database } from '../../database/transaction.ts';
import type { HandlerLog } from '../../domain/agents/handler-log.ts';
import type { AgentId, TenantId } from '../../domain/ids.ts';
import type { JsonObject } from '../../domain/json.ts';
import type { Receive } from '../../domain/messaging/received-message.ts';
import { MessageRepository } from '../../entities/messaging/message-repository.ts';
import type { MessageCount } from '../../messaging/delivery-outcomes.ts';
import { AgentDirectory } from '../../messaging/directory.ts';
import { MessageHints } from '../../messaging/hints.ts';
import { SenderIdentity } from '../../messaging/identity.ts';
import { Mailboxes } from '../../messaging/mailboxes.ts';
import { MessageStore } from '../../messaging/message-store.ts';
import { Responses } from '../../messaging/responses.ts';
import { Sender, type Speaker } from '../../messaging/sender.ts';
import { createSigningKey, type SigningKey } from '../../messaging/signatures.ts';
import { AgentPresence } from '../../operations/agents/presence.ts';
import { openRedis } from '../../redis/open-redis.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { type ClonedDatabase, cloneDatabase, redisPrefix, type Stack, sharedStack } from '../support/stack.ts';

export const TENANT = 'acme' as TenantId;
const LOUD = process.env.MUSTER_TEST_LOG !== undefined;
const write = (facts: object, message: string) => {
  if (LOUD) process.stderr.write(`${message} ${JSON.stringify(facts)}\n`);
};
const QUIET: HandlerLog = { info: write, warn: write };

/** One process that speaks for some agents. */
export interface Talker {
  readonly identity: SenderIdentity;
  readonly sender: Sender;
  readonly database: Database;
  readonly presence: AgentPresence;
  readonly key: SigningKey;
  readonly counts: Record<MessageCount, number>;
  /** As which agent of the process it speaks; as a program without a name. */
  as(agent?: string): Speaker;
  /** Opens mailboxes for some of its agents. */
  receive(handlers: Readonly<Record<string, Receive>>): Promise<Mailboxes>;
  close(): Promise<void>;
}

/** How many messages may lead to one of a test. */
export const MAX_HOPS = 8;

/** A database of a test's own, and processes that talk over it. */
export class PostOffice {
  readonly clone: ClonedDatabase;
  readonly stack: Stack;
  readonly prefix: string;
  readonly database: Database;
  readonly #closers: (() => Promise<unknown>)[] = [];

  private constructor(clone: ClonedDatabase, stack: Stack, title: string) {
    this.clone = clone;
    this.stack = stack;
    this.prefix = redisPrefix(title).slice(-32).replace(/^-+/, '');
    this.database = openDatabase({ url: clone.databaseUrl, applicationName: 'post office' });
  }

  static async open(title: string, given?: Stack): Promise<PostOffice> {
    const stack = given ?? (await sharedStack());
    const office = new PostOffice(await cloneDatabase(stack, title), stack, title);
    return office;
  }

  /** Registers agents, takes a lease for them. `redisUrl` replaces the stack's Redis. */
  async talker(agents: readonly string[], options: { redisUrl?: string } = {}): Promise<Talker> {
    const database = openDatabase({ url: this.clone.databaseUrl, applicationName: 'talker' });
    const url = options.redisUrl ?? this.stack.redisUrl;
    const redis = await openRedis({ url, prefix: this.prefix, log: QUIET });
    const name = `test-${uuid()}`;
    const key = createSigningKey();
    const presence = new AgentPresence({
      database,
      tenant: TENANT,
      process: name,
      agents: agents.map((agent) => ({ name: agent, type: 'worker', description: '', roles: [], capabilities: [] })),
      publicKey: key.publicKey,
      log: QUIET,
    });
    await presence.open();
    await presence.beat();
    const identity = new SenderIdentity({ process: name, key, holder: presence, database, tenant: TENANT });
    const talker = assemble({ database, identity, presence, key, hints: new MessageHints(redis) });
    const close = async () => {
      await talker.close();
      await presence.close();
      await redis.close();
      await database.close();
    };
    this.#closers.push(close);
    return { ...talker, close };
  }

  /** Runs SQL as the superuser, whom nothing binds. */
  sql<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return withPostgresql(this.clone.superuserUrl, async (client) => {
      const result = await client.query(text, [...values]);
      return result.rows as Row[];
    });
  }

  messages(filter: Omit<Parameters<MessageRepository['list']>[0], 'limit'> = {}) {
    return this.database.inTenant(TENANT, ({ em }) => new MessageRepository(em).list({ ...filter, limit: 10_000 }));
  }

  async close(): Promise<void> {
    for (const close of this.#closers.reverse()) await close();
    await this.database.close();
    await this.clone.drop();
  }
}

function assemble(parts: {
  database: Database;
  identity: SenderIdentity;
  presence: AgentPresence;
  key: SigningKey;
  hints: MessageHints;
}): Talker {
  const { database, identity, presence, key, hints } = parts;
  const { ids } = presence;
  const counts = { processed: 0, redelivered: 0, dead: 0, refused: 0 };
  const count = (what: MessageCount) => {
    counts[what] += 1;
  };
  const responses = new Responses({ database, hints, log: QUIET, refused: () => count('refused') });
  const store = new MessageStore({ database, identity, hints, maxHops: MAX_HOPS });
  const sender = new Sender({ database, identity, directory: new AgentDirectory(database), store, responses });
  const open: Mailboxes[] = [];
  return {
    identity,
    sender,
    database,
    presence,
    key,
    counts,
    as: (name) => {
      const id = name === undefined ? undefined : ids.get(name);
      return { tenant: TENANT, from: name === undefined || id === undefined ? null : { id, name } };
    },
    receive: async (handlers) => {
      const agents = Object.entries(handlers).map(([name, receive]) => ({
        id: ids.get(name) as AgentId,
        name,
        receive,
      }));
      const mailboxes = new Mailboxes({
        single: (work) => database.single.inTenant(TENANT, work),
        unit: (work) => database.inTenant(TENANT, work),
        identity,
        sender,
        hints,
        agents,
        log: QUIET,
        count,
      });
      await mailboxes.open();
      open.push(mailboxes);
      return mailboxes;
    },
    close: async () => {
      for (const mailboxes of open) await mailboxes.stop();
      responses.close();
    },
  };
}

/** A payload with a number. */
export const numbered = (n: number): JsonObject => ({ n });
