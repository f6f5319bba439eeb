import { DEAD_AFTER_SECONDS, MISSED_AFTER_SECONDS } from './liveness.ts';

/** A living worker: the handlers that it hosts and the task queue that it serves. */
export interface HostingWorker {
  readonly taskQueue: string;
  /** As `kind:name`. */
  readonly handlers: readonly string[];
  /** The time since its last heartbeat: a worker whose process was killed counts as alive for a while. */
  readonly silentSeconds: number;
}

/** The handlers that a graph needs in a worker. */
export interface HostedNeeds {
  readonly taskQueue: string;
  /** As `kind:name`. */
  readonly handlers: readonly string[];
}

/**
 * What tasks of a graph wait for if no living worker can start them, as the end of a sentence "waits for …". Null when
 * a worker hosts everything that the graph needs. A silent worker counts as alive for a while; then the text says so.
 */
export function missingHost(needs: HostedNeeds, workers: readonly HostingWorker[]): string | null {
  const missing = missingAmong(needs, workers);
  if (missing !== null) return missing;
  const heard = workers.filter((worker) => worker.silentSeconds <= MISSED_AFTER_SECONDS);
  if (missingAmong(needs, heard) === null) return null;
  const silence = `silent for more than ${MISSED_AFTER_SECONDS} s and counts as gone after ${DEAD_AFTER_SECONDS} s`;
  return `a worker on the task queue "${needs.taskQueue}": the only one that hosts what it needs has been ${silence}`;
}

function missingAmong({ taskQueue, handlers }: HostedNeeds, workers: readonly HostingWorker[]): string | null {
  const serving = workers.filter((worker) => worker.taskQueue === taskQueue);
  if (serving.length === 0) {
    return `a worker on the task queue "${taskQueue}": none is alive there, \`muster worker --task-queue ${taskQueue}\` starts one`;
  }
  if (serving.some((worker) => handlers.every((handler) => worker.handlers.includes(handler)))) return null;
  const unhosted = handlers.filter((handler) => !serving.some((worker) => worker.handlers.includes(handler)));
  const wanted = unhosted.length > 0 ? unhosted : handlers;
  const together = unhosted.length > 0 || handlers.length === 1 ? '' : ' together';
  return `a worker that hosts ${named(wanted)}${together} on the task queue "${taskQueue}"`;
}

const AGENT = 'agent:';
const MOST_NAMES = 3;

function named(handlers: readonly string[]): string {
  const names = [...new Set(handlers.map(needText))];
  const more = names.length - MOST_NAMES;
  return more > 0 ? `${names.slice(0, MOST_NAMES).join(', ')} and ${more} more` : names.join(' and ');
}

/** How people are told what a node needs of a worker: what thinks in a graph needs its model. @param need as `kind:name` */
export function needText(need: string): string {
  const [kind, ...name] = need.split(':');
  return `the ${kind === 'agent' || kind === 'tool' ? kind : 'model'} "${name.join(':')}"`;
}

/** A graph whose tasks wait for a worker that does not exist. */
export interface UnhostedGraph {
  readonly graph: string;
  readonly taskQueue: string;
  readonly waiting: number;
  readonly running: number;
  /** What they wait for: see {@link missingHost}. */
  readonly waitsFor: string;
}

/** The graphs that no living worker can carry out. */
export function unhostedGraphs(
  graphs: readonly (HostedNeeds & Pick<UnhostedGraph, 'graph' | 'waiting' | 'running'>)[],
  workers: readonly HostingWorker[],
): UnhostedGraph[] {
  return graphs.flatMap(({ graph, taskQueue, waiting, running, handlers }) => {
    const waitsFor = missingHost({ taskQueue, handlers }, workers);
    return waitsFor === null ? [] : [{ graph, taskQueue, waiting, running, waitsFor }];
  });
}

/**
 * How many waiting tasks need an agent that no worker on their task queue hosts, and the names of these agents. A
 * worker that missed a heartbeat does not count.
 */
export function missingAgents(
  needs: readonly (HostedNeeds & { readonly waiting: number })[],
  workers: readonly HostingWorker[],
): { readonly tasks: number; readonly agents: string[] } {
  const heard = workers.filter((worker) => worker.silentSeconds <= MISSED_AFTER_SECONDS);
  const missing = needs.map(({ taskQueue, handlers, waiting }) => {
    const hosted = new Set(heard.flatMap((worker) => (worker.taskQueue === taskQueue ? worker.handlers : [])));
    return { waiting, agents: handlers.filter((handler) => handler.startsWith(AGENT) && !hosted.has(handler)) };
  });
  const held = missing.filter(({ waiting, agents }) => waiting > 0 && agents.length > 0);
  return {
    tasks: held.reduce((sum, { waiting }) => sum + waiting, 0),
    agents: [...new Set(held.flatMap(({ agents }) => agents.map((agent) => agent.slice(AGENT.length))))].sort(),
  };
}

export function unhostedText({ graph, waiting, running, waitsFor }: UnhostedGraph): string {
  const tasks = waiting + running;
  return `${tasks} ${tasks === 1 ? 'task' : 'tasks'} of ${graph} wait${tasks === 1 ? 's' : ''} for ${waitsFor}`;
}
