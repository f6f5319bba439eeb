import type { Command } from 'commander';
import type { QueueView } from '../../client.ts';
import type { QueueSettings } from '../../domain/queues/queue-settings.ts';
import { pauseTarget, tenantName } from '../input/option-values.ts';
import { showView } from '../output/live-view.ts';
import { Output } from '../output/output.ts';
import { action, type TenantOptions, withMuster } from '../session.ts';
import { formatQueue, queueFacts, queueLine } from './queue-text.ts';

interface QueueOptions extends TenantOptions {
  readonly watch?: boolean;
}

/** `queue`, `queue pause` and `queue resume`. */
export function addQueueCommand(program: Command): void {
  const queue = program
    .command('queue')
    .description('show what waits, what runs and what holds it up, for all tenants')
    .option('--watch', 'keep watching until Ctrl-C')
    .option('--tenant <tenant>', "only this tenant's tasks", tenantName)
    .addHelpText('after', EXAMPLES)
    .action(action(show));
  addSwitch(queue, { name: 'pause', description: 'start nothing more of a band, a tenant or a graph', paused: true });
  addSwitch(queue, { name: 'resume', description: 'let a paused band, tenant or graph continue', paused: false });
}

const EXAMPLES = `
Examples:
  muster queue --watch
  muster queue pause band:low
  muster queue resume graph:channel-digest`;

function addSwitch(queue: Command, spec: { name: string; description: string; paused: boolean }): void {
  queue
    .command(spec.name)
    .description(spec.description)
    .argument('<target>', 'band:NAME, tenant:NAME or graph:NAME', pauseTarget)
    .addHelpText('after', `\nExample:\n  muster queue ${spec.name} tenant:acme`)
    .action(action((target: string, options: TenantOptions) => setPaused(target, spec.paused, options)));
}

async function show(options: QueueOptions): Promise<void> {
  const scope = { allTenants: options.tenant === undefined };
  await withMuster(options, (muster) => {
    const view = {
      read: () => muster.queue(scope),
      text: formatQueue,
      line: queueLine,
      facts: queueFacts,
      data: (queue: QueueView) => queue,
    };
    return showView(new Output(options), view, options.watch);
  });
}

async function setPaused(target: string, paused: boolean, options: TenantOptions): Promise<void> {
  const settings: QueueSettings = await withMuster(options, (muster) =>
    paused ? muster.pause(target) : muster.resume(target),
  );
  new Output(options).result({ paused: settings.paused }, () => {
    const others = settings.paused.filter((other) => other !== target);
    const still = others.length === 0 ? '' : ` Still paused: ${others.join(', ')}.`;
    return paused
      ? `${target} is paused: it starts nothing more within two seconds, and running tasks continue.${still}`
      : `${target} continues.${still}`;
  });
}
