import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';

const SOURCE_MAP = '//# sourceMappingURL=data:';
/** A map that maps nothing: the SDK insists on one. */
const EMPTY_MAP = { version: 3, file: 'workflows.js', sources: [], names: [], mappings: '' };

/**
 * Bundles workflow code into one file, without its source map. The SDK takes a stack trace for every promise of a
 * workflow and looks each frame up in the map, which costs more than running Muster's workflows; and it keeps the map in
 * memory. Nobody but Muster writes these workflows: their stack traces name functions, and leave positions out.
 */
export async function bundleWorkflows(workflowsPath: string): Promise<string> {
  const { code } = await bundleWorkflowCode({ workflowsPath, logger: new DefaultLogger('WARN') });
  const end = code.lastIndexOf(SOURCE_MAP);
  const map = Buffer.from(JSON.stringify(EMPTY_MAP)).toString('base64');
  return `${code.slice(0, end < 0 ? code.length : end)}${SOURCE_MAP}application/json;base64,${map}`;
}
