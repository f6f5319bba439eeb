import { createHash, randomUUID } from 'node:crypto';
import { MIGRATIONS_FOLDER, readMigrations } from '../../database/migration-files.ts';
import { withPostgresql } from '../../servers/probe/probes.ts';

/** A database of a test's own. */
export interface ClonedDatabase {
  name: string;
  /** The application's role: row-level security binds it. */
  databaseUrl: string;
  ownerUrl: string;
  /** Superuser, for what a test must see or break behind the product's back. */
  superuserUrl: string;
  /** Removes it and ends the sessions in it. A failed test leaves it out, to keep its rows. */
  drop(): Promise<void>;
}

/** The addresses that cloning needs of a stack. */
export interface DatabaseServer {
  databaseUrl: string;
  ownerUrl: string;
  superuserUrl: string;
}

const templates = new Map<string, Promise<string>>();

/**
 * Makes a database with all migrations applied. The first call on a server runs the migrations once, into a template;
 * each call copies that. `title` becomes part of the name.
 */
export async function cloneDatabase(server: DatabaseServer, title: string): Promise<ClonedDatabase> {
  let template = templates.get(server.superuserUrl);
  if (template === undefined) {
    template = ensureTemplate(server);
    templates.set(server.superuserUrl, template);
  }
  const name = databaseName(title);
  await createDatabase(server, { name, template: await template });
  return {
    name,
    databaseUrl: inDatabase(server.databaseUrl, name),
    ownerUrl: inDatabase(server.ownerUrl, name),
    superuserUrl: inDatabase(server.superuserUrl, name),
    drop: () => asSuperuser(server, `drop database if exists "${name}" with (force)`),
  };
}

/** An empty database with the extension, owned by the owner's role; for tests of the migrations themselves. */
export async function createEmptyDatabase(server: DatabaseServer, title: string): Promise<ClonedDatabase> {
  const name = databaseName(title);
  await createDatabase(server, { name, template: 'template1' });
  return {
    name,
    databaseUrl: inDatabase(server.databaseUrl, name),
    ownerUrl: inDatabase(server.ownerUrl, name),
    superuserUrl: inDatabase(server.superuserUrl, name),
    drop: () => asSuperuser(server, `drop database if exists "${name}" with (force)`),
  };
}

/**
 * Makes the template unless it is there, and returns its name. It is built under another name and renamed, so that
 * several processes may ask at once and none copies half of it.
 */
async function ensureTemplate(server: DatabaseServer): Promise<string> {
  const template = await templateName();
  if (await templateExists(server, template)) return template;
  const draft = `${template}_${randomUUID().slice(0, 8)}`;
  await createDatabase(server, { name: draft, template: 'template1' });
  const { migrate } = await import('../../database/migrate.ts');
  await migrate({ ownerUrl: inDatabase(server.ownerUrl, draft) });
  try {
    await asSuperuser(server, `alter database "${draft}" rename to ${template}`);
  } catch (error) {
    await asSuperuser(server, `drop database if exists "${draft}" with (force)`);
    if (!(await templateExists(server, template))) throw error;
  }
  return template;
}

/** Follows from the migrations: checkouts of different age may share a server. */
async function templateName(): Promise<string> {
  const migrations = await readMigrations(MIGRATIONS_FOLDER);
  const checksums = migrations.map((migration) => migration.checksum).join();
  return `muster_template_${createHash('sha256').update(checksums).digest('hex').slice(0, 12)}`;
}

function templateExists(server: DatabaseServer, template: string): Promise<boolean> {
  return withPostgresql(server.superuserUrl, async (client) => {
    const { rowCount } = await client.query('select 1 from pg_database where datname = $1', [template]);
    return rowCount === 1;
  });
}

/** Copying pages through the log instead of files spares two checkpoints for a database of this size. */
function createDatabase(server: DatabaseServer, options: { name: string; template: string }): Promise<void> {
  const owner = new URL(server.ownerUrl).username;
  return asSuperuser(
    server,
    `create database "${options.name}" template ${options.template} owner ${owner} strategy wal_log`,
  );
}

function asSuperuser(server: DatabaseServer, statement: string): Promise<void> {
  return withPostgresql(server.superuserUrl, async (client) => {
    await client.query(statement);
  });
}

function inDatabase(url: string, name: string): string {
  const changed = new URL(url);
  changed.pathname = `/${name}`;
  return changed.toString();
}

function databaseName(title: string): string {
  const readable = title
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '_')
    .slice(0, 30);
  return `t_${readable}_${createHash('sha256').update(randomUUID()).digest('hex').slice(0, 8)}`;
}
