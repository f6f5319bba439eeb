import { setCurrentDetails } from '@temporalio/workflow';
import { supervisionActivities } from '../activities.ts';

/**
 * Checks the agents once: which are silent, which are dead, and whose work others may take.
 *
 * Id: given by the Schedule `muster-supervise-agents`, which starts it every ten seconds and skips a start while one
 * still runs. No messages. A check that cannot finish in time fails, and the next start is the next check.
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
