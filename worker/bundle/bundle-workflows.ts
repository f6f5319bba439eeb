import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

/** Comes before the first promise. An error in a workflow then has a message and no stack. */
const NO_STACK_TRACES = 'Error.stackTraceLimit = 0;';
/** What the pure kinds of nodes use, which activities carry out and no workflow does. */
const UNUSED = ['re2js', '@jmespath-community/jmespath', '@cfworker/json-schema'];
const SOURCE_MAP = '//# sourceMappingURL=data:';
/** An empty source map, which the SDK requires. */
const EMPTY_MAP = { version: 3, file: 'workflows.js', sources: [], names: [], mappings: '' };

/**
 * Bundles workflow code into one file. The SDK takes a stack trace for every promise of a workflow and looks up each
 * frame in the source map, which it keeps in memory. Both cost more than running Muster's workflows, so the bundle has
 * neither. A worker loads its modules once and shares them among all workflows: no module may hold state.
 */
export async function bundleWorkflows(workflowsPath: string): Promise<string> {
  const logger = new DefaultLogger('WARN');
  const preloadModules = [workflowsPath];
  const { code } = await bundleWorkflowCode({ workflowsPath, logger, preloadModules, ignoreModules: UNUSED });
  const end = code.lastIndexOf(SOURCE_MAP);
  const map = Buffer.from(JSON.stringify(EMPTY_MAP)).toString('base64');
  return `${NO_STACK_TRACES}${code.slice(0, end < 0 ? code.length : end)}${SOURCE_MAP}application/json;base64,${map}`;
}
