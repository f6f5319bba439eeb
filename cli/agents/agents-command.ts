import type { Command } from 'commander';
import type { AgentView } from '../../client.ts';
import { AGENT_HEALTHS } from '../../domain/agents/health.ts';
import type { AgentSearch } from '../../entities/agents/agent-repository.ts';
import { shortText, tenantName } from '../input/option-values.ts';
import { type Column, formatAge, formatTable, paintStatus, shorten } from '../output/formatting.ts';
import { type LiveView, showView } from '../output/live-view.ts';
import { type Colors, Output } from '../output/output.ts';
import { action, given, type TenantOptions, withMuster } from '../session.ts';

interface AgentsOptions extends TenantOptions, AgentSearch {
  readonly watch?: boolean;
}

export function addAgentsCommand(program: Command): void {
  program
    .command('agents')
    .description('list the agents that processes have registered, and whether they are alive')
    .option('--role <role>', 'only agents with this role', shortText)
    .option('--capability <capability>', 'only agents with this capability', shortText)
    .option('--watch', 'keep watching until Ctrl-C')
    .option('--tenant <tenant>', 'the tenant (default: MUSTER_TENANT, or default)', tenantName)
    .addHelpText('after', EXAMPLES)
    .action(action(agents));
}

const EXAMPLES = `
alive: its heartbeats arrive; suspect: silent for more than 30 s; dead: for more than 45 s; unavailable: no process hosts it.

Examples:
  muster agents --capability summarize
  muster agents --watch --json`;

async function agents(options: AgentsOptions): Promise<void> {
  const { role, capability } = options;
  const search = given({ role, capability });
  await withMuster(options, (muster) => {
    const view = agentsView(() => muster.agents(search), { searched: role !== undefined || capability !== undefined });
    return showView(new Output(options), view, options.watch);
  });
}

function agentsView(read: () => Promise<AgentView[]>, { searched }: { searched: boolean }): LiveView<AgentView[]> {
  const none = searched
    ? 'No such agent.'
    : 'No agent is registered yet. `muster worker` starts a worker that hosts the agents that ship with Muster.';
  return {
    read,
    text: (found, colors) => (found.length === 0 ? none : formatAgents(found, colors)),
    line: (found) => formatHealths(found),
    facts: (found) =>
      found.map(({ name, tenant, status, health, workerId }) => [name, tenant, status, health, workerId]),
    data: (found) =>
      found.map(
        ({ name, type, status, health, description, roles, capabilities, workerId, lastHeartbeat, tenant }) => ({
          ...{ name, type, status, health, description, roles, capabilities, workerId, lastHeartbeat, tenant },
        }),
      ),
  };
}

function formatAgents(found: readonly AgentView[], colors: Colors): string {
  const columns: Column<AgentView>[] = [
    { title: 'agent', of: ({ name }) => name },
    { title: 'health', of: ({ health }) => health, paint: (text) => paintStatus(text, colors) },
    { title: 'status', of: ({ status }) => status, paint: (text) => paintStatus(text, colors) },
    { title: 'type', of: ({ type }) => type },
    { title: 'last beat', of: ({ lastHeartbeat }) => formatAge(lastHeartbeat), align: 'right' },
    { title: 'process', of: ({ workerId }) => workerId ?? '-' },
    { title: 'roles', of: ({ roles }) => shorten(roles.join(', '), 24) || '-' },
    { title: 'capabilities', of: ({ capabilities }) => shorten(capabilities.join(', '), 32) || '-' },
    { title: 'does', of: ({ description }) => shorten(description, 50) },
  ];
  return formatTable(found, columns, colors);
}

function formatHealths(found: readonly AgentView[]): string {
  const counts = AGENT_HEALTHS.map((health) => `${found.filter((agent) => agent.health === health).length} ${health}`);
  const unwell = found.filter(({ health }) => health === 'suspect' || health === 'dead').map(({ name }) => name);
  return `${counts.join(', ')}${unwell.length === 0 ? '' : `: ${unwell.join(', ')}`}`;
}
