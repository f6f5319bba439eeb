import { workflowInfo } from '@temporalio/workflow';

/** Since these rules a workflow does not wait until the server thinks that it is long. */
const COUNTING_RULES = 3;
/** So that what is under way then ends before there are 4,096 events, where the server begins to say so. */
const MOST_EVENTS = 3_600;

/** Whether the workflow is to continue as new. @param rules those of its execution */
export function isLong(rules: number): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  return continueAsNewSuggested || (rules >= COUNTING_RULES && historyLength > MOST_EVENTS);
}
