import { setCurrentDetails } from '@temporalio/workflow';
import { supervisionActivities } from '../activities.ts';

/**
 * Looks once after the agents: who is silent, who is dead, whose work others may take.
 *
 * Id: given by the Schedule `muster-supervise-agents`, which starts it every ten seconds and skips a start while one still
 * runs. No messages. A look that cannot be made within its time fails, and the next start is the next look.
 */
export async function superviseAgents(): Promise<void> {
  const { living, suspects, offline, waiting } = await supervisionActivities.runSupervision();
  if (suspects.length + offline.length === 0 && waiting === null) return;
  setCurrentDetails(
    [
      `- alive: ${living}`,
      `- suspects: ${suspects.join(', ') || 'none'}`,
      `- offline now: ${offline.join(', ') || 'none'}`,
      `- waiting: ${waiting ?? 'no'}`,
    ].join('\n'),
  );
}
