import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { CompiledQuery, QueryExecutor } from 'kysely';
import type { Database } from '../../database/transaction.ts';

/** How PostgreSQL would carry out the statements that a repository sends, which are not carried out. */
export async function planOf(database: Database, ask: (em: SqlEntityManager) => Promise<unknown>): Promise<string> {
  const lines: string[] = [];
  await database.inSystem('inspect', async ({ em, kysely }) => {
    const executor = explaining(kysely.getExecutor(), lines);
    const manager = Object.assign(Object.create(em) as typeof em, {
      getKysely: () => ({ getExecutor: () => executor }),
    });
    await ask(manager);
  });
  return lines.join('\n');
}

/** Asks for the plan of each statement instead of carrying it out. */
function explaining(executor: QueryExecutor, lines: string[]): QueryExecutor {
  const explain = async (query: CompiledQuery) => {
    const explained = await executor.executeQuery<{ 'QUERY PLAN': string }>({ ...query, sql: `explain ${query.sql}` });
    lines.push(...explained.rows.map((row) => row['QUERY PLAN']));
    return { rows: [] };
  };
  return new Proxy(executor, {
    get: (target, name) => {
      if (name === 'executeQuery') return explain;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
