import type { Log } from '../../activities/dependencies.ts';
import type { Environment } from '../../config.ts';
import type { Handler } from '../../domain/agents/handler.ts';
import type { Graph } from '../../domain/graphs/defined-graph.ts';
import { listOf, objectWith, taskQueue } from '../../options/fields.ts';
import { optionsOf } from '../../options/parse-options.ts';
import type { WorkerOptions } from './open-worker.ts';

const MAX_HOSTED = 10_000;
const agent = objectWith<Handler>('an agent made by defineAgent', { name: 'string', handle: 'function' });
const tool = objectWith<Handler>('a tool made by defineTool', { name: 'string', handle: 'function' });
const graph = objectWith<Graph>('a graph made by defineGraph', { definition: 'object', handlers: 'object' });

/** Reads the options of a worker. */
export const workerOptions = optionsOf<WorkerOptions>('startWorker', {
  agents: listOf(agent, { max: MAX_HOSTED, of: 'agents' }).optional(),
  tools: listOf(tool, { max: MAX_HOSTED, of: 'tools' }).optional(),
  graphs: listOf(graph, { max: MAX_HOSTED, of: 'graphs' }).optional(),
  taskQueue: taskQueue.optional(),
  environment: objectWith<Environment>('an object of variables', {}).optional(),
  log: objectWith<Log>('a log with the methods debug, info, warn and error', {
    debug: 'function',
    info: 'function',
    warn: 'function',
    error: 'function',
  }).optional(),
});
