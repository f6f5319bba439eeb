import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type CompiledQuery, type KyselyPlugin, RawNode, type Transaction } from 'kysely';
import type { Database } from '../../database/transaction.ts';

/** How PostgreSQL would carry out the statements that a repository sends, which are not carried out. */
export async function planOf(database: Database, ask: (em: SqlEntityManager) => Promise<unknown>): Promise<string> {
  const lines: string[] = [];
  await database.inSystem('inspect', async ({ em }) => {
    const transaction = em.getTransactionContext<Transaction<unknown>>();
    if (transaction === undefined) throw new Error('A unit of work without a transaction.');
    em.setTransactionContext(explaining(transaction, lines));
    try {
      await ask(em);
    } finally {
      em.setTransactionContext(transaction);
    }
  });
  return lines.join('\n');
}

/** Asks for the plan of each statement instead of carrying it out: of the mapper's, which are text, and of kysely's. */
function explaining(transaction: Transaction<unknown>, lines: string[]): Transaction<unknown> {
  const keep = (rows: readonly unknown[]) => lines.push(...rows.map((row) => String(Object.values(Object(row))[0])));
  const plugin: KyselyPlugin = {
    transformQuery: ({ node }) =>
      RawNode.is(node)
        ? RawNode.create(['explain ', ''], [node])
        : Object.freeze({ ...node, explain: { kind: 'ExplainNode' } as const }),
    transformResult: async ({ result }) => {
      keep(result.rows);
      return { ...result, rows: [] };
    },
  };
  const explainText = async (query: CompiledQuery) => {
    const explained = await transaction.executeQuery({ ...query, sql: `explain ${query.sql}` });
    keep(explained.rows);
    return { ...explained, rows: [] };
  };
  return new Proxy(transaction.withPlugin(plugin), {
    get: (target, name) => {
      if (name === 'executeQuery') return explainText;
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
