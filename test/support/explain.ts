import type { SqlEntityManager } from '@mikro-orm/postgresql';
import { type CompiledQuery, type KyselyPlugin, type Transaction as KyselyTransaction, RawNode } from 'kysely';
import type { Database, Transaction } from '../../database/transaction.ts';

/**
 * How PostgreSQL would carry out the statements that a repository sends, which are not carried out: across tenants, or for
 * one, whose row-level security has a say in the plan.
 */
export async function planOf(
  database: Database,
  ask: (em: SqlEntityManager) => Promise<unknown>,
  tenant?: string,
): Promise<string> {
  const lines: string[] = [];
  const explain = async ({ em }: Transaction) => {
    const transaction = em.getTransactionContext<KyselyTransaction<unknown>>();
    if (transaction === undefined) throw new Error('A unit of work without a transaction.');
    em.setTransactionContext(explaining(transaction, lines));
    try {
      await ask(em);
    } finally {
      em.setTransactionContext(transaction);
    }
  };
  await (tenant === undefined ? database.inSystem('inspect', explain) : database.inTenant(tenant, explain));
  return lines.join('\n');
}

/** Asks for the plan of each statement instead of carrying it out: of the mapper's and compiled ones, which
 * are text, and of kysely's. */
function explaining(transaction: KyselyTransaction<unknown>, lines: string[]): KyselyTransaction<unknown> {
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
      if (name === 'withPlugin') return (other: KyselyPlugin) => explaining(transaction.withPlugin(other), lines);
      const value: unknown = Reflect.get(target, name, target);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}
