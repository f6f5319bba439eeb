import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { promisify } from 'node:util';
import type { MusterUnderTest } from '../../support/muster.ts';
import type { PrivateStack } from '../../support/stack.ts';
import type { Installation } from './installation.ts';

/** Secrets that the product is given, each of which must stay where it was put. */
export interface Secrets {
  /** Variables of the workers beside those that the product reads. */
  readonly environment: Readonly<Record<string, string>>;
  /** By what each one is, for the message of a failure. */
  readonly planted: Readonly<Record<string, string>>;
}

/** The secrets of a run: the passwords of its servers, and one that the workers are given. */
export function plantSecrets(
  { databaseUrl }: Pick<MusterUnderTest, 'databaseUrl'>,
  { redisUrl }: Pick<PrivateStack, 'redisUrl'>,
): Secrets {
  const providerKey = `canary-${randomBytes(12).toString('hex')}`;
  return {
    environment: { MODEL_PROVIDER_API_KEY: providerKey },
    planted: {
      'password of PostgreSQL': decodeURIComponent(new URL(databaseUrl).password),
      'password of Redis': decodeURIComponent(new URL(redisUrl).password),
      'key in the environment': providerKey,
    },
  };
}

/**
 * Looks for texts, byte by byte, in all files of the services (PostgreSQL's data and log, Temporal's database, Redis'
 * data and log), in the rows of PostgreSQL, in the workers' logs and in the errors that callers saw. Answers which text
 * is where.
 */
export async function findTexts(
  installation: Installation,
  texts: Readonly<Record<string, string>>,
): Promise<string[]> {
  const { world, stack, callers } = installation;
  await saveRedis(installation);
  const rows = await rowTexts(installation);
  const logs = world.workers.flatMap((worker) => worker.log).join('\n');
  const errors = callers.flatMap(({ history }) =>
    history.entries.flatMap(({ outcome }) => (outcome.kind === 'ok' ? [] : [String(outcome.error.stack)])),
  );
  const found: string[] = [];
  for (const [name, text] of Object.entries(texts)) {
    const files = await filesWith(stack.folder, text);
    found.push(...files.map((file) => `${name} in the file ${file}`));
    found.push(...rows.filter((row) => row.text.includes(text)).map((row) => `${name} in a row of ${row.table}`));
    if (logs.includes(text)) found.push(`${name} in a worker's log`);
    if (errors.some((error) => error.includes(text))) found.push(`${name} in an error of a caller`);
  }
  return [...new Set(found)];
}

/** The files in which the set-up itself keeps passwords, and the one by which Redis is told its own. */
const KEPT = /(\.secrets\.json|redis\.conf)$/;

async function filesWith(folder: string, text: string): Promise<string[]> {
  const asked = promisify(execFile)('grep', ['-r', '-l', '-F', '-a', '-e', text, folder], { maxBuffer: 1 << 24 });
  // 1: no file has it. 2: a file disappeared meanwhile, and what was found is in the output all the same.
  const { stdout } = await asked.catch((error: { code?: number; stdout?: string }) => {
    if (error.code !== 1 && error.code !== 2) throw error;
    return { stdout: error.stdout ?? '' };
  });
  return stdout.split('\n').filter((file) => file !== '' && !KEPT.test(file));
}

/** Lets Redis write what it holds into its own folder, which lies in the stack's, uncompressed so that bytes show. */
async function saveRedis({ redis }: Installation): Promise<void> {
  await redis.config('SET', 'rdbcompression', 'no');
  await redis.save();
}

async function rowTexts({ world }: Installation): Promise<{ table: string; text: string }[]> {
  const tables = await world.query<{ name: string }>(
    `select tablename as name from pg_tables where schemaname = 'muster' order by 1`,
  );
  const rows: { table: string; text: string }[] = [];
  for (const { name } of tables) {
    const found = await world.query<{ text: string }>(`select t::text as text from muster."${name}" t`);
    rows.push(...found.map(({ text }) => ({ table: name, text })));
  }
  return rows;
}
