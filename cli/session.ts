import type { Command } from 'commander';
import type { ConnectOptions, Muster } from '../client.ts';

/** Removes the options that were not given, so that they get their defaults. */
export function given<Options extends object>(
  options: Options,
): { [Name in keyof Options]?: Exclude<Options[Name], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  // The entries are those of the options, so their values have the options' types.
  return Object.fromEntries(entries) as ReturnType<typeof given<Options>>;
}

/** Options of every command. */
export interface CommonOptions {
  readonly json?: boolean;
}

/** Options of every command that reads a tenant's data. */
export interface TenantOptions extends CommonOptions {
  readonly tenant?: string;
}

/** The action of a command: it is given the arguments, then the options of the command and of `muster`. */
export function action<Arguments extends unknown[], Options extends CommonOptions>(
  run: (...given: [...Arguments, Options]) => Promise<void>,
) {
  return (...given: unknown[]): Promise<void> => {
    // The library passes the arguments, the command's own options, and the command.
    const command = given.at(-1) as Command;
    return run(...(given.slice(0, -2) as Arguments), command.optsWithGlobals<Options>());
  };
}

/** Connects for one command and closes again, however the command ends. */
export async function withMuster<Result>(
  { tenant, hosted }: TenantOptions & Pick<ConnectOptions, 'hosted'>,
  work: (muster: Muster) => Promise<Result>,
): Promise<Result> {
  // Loaded here: the client loads its stores' libraries, which help and usage errors do not need.
  const { connect } = await import('../client.ts');
  const muster = await connect(given({ tenant, hosted }));
  return thenClose(
    () => work(muster),
    () => muster.close(),
  );
}

/** Works, then closes, however the work ended. If both fail, it throws the work's error, which has the cause. */
export async function thenClose<Result>(work: () => Promise<Result>, close: () => Promise<void>): Promise<Result> {
  let result: Result;
  try {
    result = await work();
  } catch (error) {
    await close().catch(() => undefined);
    throw error;
  }
  await close();
  return result;
}

/**
 * Runs until the work ends or the user presses Ctrl-C; then `onInterrupt` decides the outcome. The work is abandoned,
 * so it must only read.
 */
export async function untilInterrupted<Result>(work: Promise<Result>, onInterrupt: () => Result): Promise<Result> {
  work.catch(() => undefined);
  const interrupt = Promise.withResolvers<Result>();
  const listener = () => {
    try {
      interrupt.resolve(onInterrupt());
    } catch (error) {
      interrupt.reject(error);
    }
  };
  process.once('SIGINT', listener);
  try {
    return await Promise.race([work, interrupt.promise]);
  } finally {
    process.off('SIGINT', listener);
  }
}
