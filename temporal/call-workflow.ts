import { type Client, type WorkflowHandle, WorkflowNotFoundError } from '@temporalio/client';

/** How long Temporal may take to answer. */
const DEADLINE_MS = 3_000;

/** The answer of a call to one workflow; null where Temporal does not know the workflow, or it has closed. */
export async function callWorkflow<Answer>(
  client: Client,
  workflowId: string,
  call: (handle: WorkflowHandle) => Promise<Answer>,
  deadlineMs = DEADLINE_MS,
): Promise<Answer | null> {
  const handle = client.workflow.getHandle(workflowId);
  try {
    return await client.withDeadline(Date.now() + deadlineMs, () => call(handle));
  } catch (error) {
    if (error instanceof WorkflowNotFoundError) return null;
    throw error;
  }
}
