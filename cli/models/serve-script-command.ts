import type { Command } from 'commander';
import { MusterError } from '../../domain/errors.ts';
import { readJsonFile } from '../../worker/wire/open-models.ts';
import { fileName, wholeNumber } from '../input/option-values.ts';
import { Output } from '../output/output.ts';
import { action, type CommonOptions } from '../session.ts';

interface ServeOptions extends CommonOptions {
  readonly port?: number;
}

/** Requests and turns did not go together. */
class ScriptNotPlayed extends MusterError {
  readonly code = 'script_not_played';
  constructor(faults: readonly string[]) {
    super(faults.join(' '), { faults: faults.length });
  }
}

/** `models serve-script`: a provider that plays a file, for trying things without a key. */
export function addServeScriptCommand(models: Command): void {
  models
    .command('serve-script')
    .description('serve a provider that answers from a script, until SIGTERM or Ctrl-C')
    .argument('<file>', 'the script, as docs/models.md describes it', fileName)
    .option('--port <port>', 'on 127.0.0.1 (default: a free one)', wholeNumber({ min: 0, max: 65_535 }))
    .addHelpText('after', '\nExample:\n  muster models serve-script script.json --port 4010')
    .action(action(serve));
}

/** Ends with exit code 1 when a turn was not used, or a request fitted none. */
async function serve(file: string, options: ServeOptions): Promise<void> {
  // Loaded here: no other command needs a server.
  const { parseScript } = await import('../../providers/scripted/script.ts');
  const { serveScript } = await import('../../providers/scripted/server.ts');
  const provider = await serveScript(parseScript(await readJsonFile(file), file), { port: options.port ?? 0 });
  const told = signalled();
  const { baseUrl } = provider;
  new Output(options).result({ ready: true, baseUrl }, (colors) => {
    return `${colors.green('ready')}  ${baseUrl} plays ${file}; SIGTERM or Ctrl-C stops it`;
  });
  await told;
  const faults = await provider.close();
  if (faults.length > 0) throw new ScriptNotPlayed(faults);
}

function signalled(): Promise<void> {
  return new Promise((resolve) => process.once('SIGTERM', () => resolve()).once('SIGINT', () => resolve()));
}
