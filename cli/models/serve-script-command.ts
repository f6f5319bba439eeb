import type { Command } from 'commander';
import { fileName, wholeNumber } from '../input/option-values.ts';
import { Output } from '../output/output.ts';
import { action, type CommonOptions } from '../session.ts';
import { playScript } from './play-script.ts';

interface ServeOptions extends CommonOptions {
  readonly port?: number;
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
function serve(file: string, { port, ...options }: ServeOptions): Promise<void> {
  return playScript(file, {
    port,
    plays: () => true,
    async work({ baseUrl }) {
      const told = signalled();
      new Output(options).result({ ready: true, baseUrl }, (colors) => {
        return `${colors.green('ready')}  ${baseUrl} plays ${file}; SIGTERM or Ctrl-C stops it`;
      });
      await told;
    },
  });
}

function signalled(): Promise<void> {
  return new Promise((resolve) => process.once('SIGTERM', () => resolve()).once('SIGINT', () => resolve()));
}
