import type { SqlEntityManager } from '@mikro-orm/postgresql';
import type { Compilable, Expression, QueryCreator } from 'kysely';
import { type Tables, tables } from '../tables.ts';
import { statements } from './statement.ts';

type RowOf<Part> = Part extends Expression<infer Row> | Compilable<infer Row> ? Row : never;
/** Parts with at least these tables. */
type Having<Used> = { readonly tables: NoInfer<Used> };

/**
 * A statement of named parts: `with given as (…), ended as (…) select …`. What is written into its `main` reads them. A part
 * has the tables that its parameter names, which must be there before it; where it names none it has all of them. Kysely's
 * own `with` does the same, but compares everything that two builders can do, which was nearly half of the type check.
 */
class NamedParts<Own> {
  /** For the compiler only. */
  declare readonly tables: Own;
  readonly main: QueryCreator<Own>;

  constructor(main: QueryCreator<Own>) {
    this.main = main;
  }

  with<Name extends string, Part extends object, Used = Own>(
    this: Having<Used>,
    name: Name,
    part: (q: QueryCreator<Used>) => Part,
  ): NamedParts<Own & Record<Name, RowOf<Part>>>;
  with(name: string, part: unknown): unknown {
    return new NamedParts(this.main.with(name, part as never));
  }

  /** Writes `main` with a function that several statements share. */
  reading<Main, Used = Own>(this: Having<Used>, main: (q: QueryCreator<Used>) => Main): Main;
  reading(main: (q: never) => unknown): unknown {
    return main(this.main as never);
  }
}

/** For a `Statement`, as `statements`. */
export const named = new NamedParts<Tables>(statements);

/** For a statement that runs once, as `tables(em)`. */
export function namedIn(em: SqlEntityManager): NamedParts<Tables> {
  return new NamedParts<Tables>(tables(em));
}
