import { openDatabase } from '../../database/open-orm.ts';
import type { Database } from '../../database/transaction.ts';
import { SYSTEM_TENANT } from '../../domain/ids.ts';
import { AgentPresence } from '../../operations/agents/presence.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';
import { type ClonedDatabase, cloneDatabase, type DatabaseServer } from './databases.ts';

/** A database with processes that speak for agents, and a way to let time pass for them. */
export class AgentsUnderTest {
  readonly clone: ClonedDatabase;
  readonly database: Database;
  /** What the processes logged. */
  readonly warnings: string[] = [];

  private constructor(clone: ClonedDatabase, database: Database) {
    this.clone = clone;
    this.database = database;
  }

  static async open(server: DatabaseServer, title: string): Promise<AgentsUnderTest> {
    const clone = await cloneDatabase(server, title);
    const database = openDatabase({ url: clone.databaseUrl, poolSize: 4, applicationName: title });
    return new AgentsUnderTest(clone, database);
  }

  async close(): Promise<void> {
    await this.database.close();
    await this.clone.drop();
  }

  /** A process with a lease whose agents have beaten once. */
  async process(name: string, agents: readonly string[]): Promise<AgentPresence> {
    const presence = new AgentPresence({
      database: this.database,
      tenant: SYSTEM_TENANT,
      process: name,
      agents: agents.map((agent) => ({ name: agent, type: 'worker', description: '', roles: [], capabilities: [] })),
      publicKey: 'key',
      log: { warn: (_facts, message) => void this.warnings.push(message) },
    });
    await presence.open();
    await presence.beat();
    return presence;
  }

  /** Lets the last beat of a process's agents, and the renewal of its leases, be so much longer ago. */
  async silence(process: string, seconds: number): Promise<void> {
    await this.asSuperuser(`
      update muster.agent_heartbeats set beat_at = beat_at - interval '${seconds} s' where worker_id = '${process}';
      update muster.agent_leases set renewed_at = renewed_at - interval '${seconds} s' where process = '${process}'`);
  }

  async statuses(): Promise<Record<string, string>> {
    const rows = await this.rows<{ name: string; status: string }>('select name, status from muster.agents');
    return Object.fromEntries(rows.map(({ name, status }) => [name, status]));
  }

  /** Changes rows behind the product's back. */
  async asSuperuser(statement: string): Promise<void> {
    await withPostgresql(this.clone.superuserUrl, (client) => client.query(statement));
  }

  rows<Row>(statement: string): Promise<Row[]> {
    return withPostgresql(this.clone.superuserUrl, async (client) => (await client.query(statement)).rows as Row[]);
  }
}
