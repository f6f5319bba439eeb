import { z } from 'zod';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import type { Happened, Proof } from '../../domain/graphs/proof/proof.ts';
import { recordedNodes } from '../../domain/graphs/proof/supposition.ts';
import type { GraphId, TaskId } from '../../domain/ids.ts';
import type { RunPath } from '../../domain/traces/path.ts';
import { GraphRepository } from '../../entities/graphs/graph-repository.ts';
import { GraphHistoryRepository, type TaskOfGraph } from '../../entities/tasks/graph-history-repository.ts';
import { definedName, wholeNumber } from '../../options/fields.ts';
import { type Call, defineOperation } from '../define.ts';
import { compileDocument } from './compile-document.ts';
import { documentText, versionNumber } from './graph-fields.ts';
import { graphHead } from './graph-head.ts';
import { breakOfMove, happenedOf, type ProveVersion, versionProof } from './prove-version.ts';
import { requireUsable } from './publish-graphs.ts';

/** The graphs of a document, one as `defineGraph` made it, or a stored version. */
export interface CheckInput {
  readonly document?: string;
  readonly definition?: GraphDefinition;
  readonly graph?: string;
  readonly version?: number;
  /** How many completed traces of the active version are tried: the newest, 0 to 1,000. @defaultValue 200 */
  readonly traces?: number;
}

/** A task that a version would break. */
export interface BrokenTask {
  readonly taskId: TaskId;
  /** `task`: parked, and could not continue. `trace`: was completed, and would fail if it were submitted again. */
  readonly kind: 'task' | 'trace';
  /** The run that would break; null where it is about the task itself. */
  readonly path: RunPath | null;
  /** Why, in one sentence. */
  readonly message: string;
}

/** What a version would break. */
export interface CheckedVersion {
  readonly graph: string;
  /** Null for one of a document. */
  readonly version: number | null;
  /** The active version, whose traces were tried; null where there is none. */
  readonly against: number | null;
  /** How many parked tasks and traces were tried. */
  readonly tasks: number;
  readonly traces: number;
  readonly breaks: readonly BrokenTask[];
  /** Nodes of which nothing that was tried has recorded an end, by their paths in the definition. */
  readonly unproven: readonly string[];
}

/** Nothing is called and nothing is written: no model, no tool, no code of an agent. @throws GraphInvalid, GraphUnknown */
export const checkGraphs = defineOperation({
  name: 'graphs.check',
  summary: 'Says which parked tasks and recorded traces a version of a graph would break, and why.',
  effect: 'read',
  risk: 'read_only',
  permission: 'graphs:read',
  unit: 'none',
  input: {
    ...{ document: documentText.optional(), graph: definedName.optional(), version: versionNumber.optional() },
    // A definition comes from anywhere: what checks it says more about it.
    definition: z.unknown().optional() as z.ZodType<GraphDefinition | undefined>,
    traces: wholeNumber({ min: 0, max: 1_000 }).optional(),
  },
  contradiction: ({ document, definition, graph }: CheckInput) =>
    [document, definition, graph].filter((which) => which !== undefined).length === 1
      ? null
      : 'pass exactly one of `document`, `definition` or `graph`',
  async handle(call, { traces = 200, ...which }: CheckInput): Promise<{ readonly graphs: readonly CheckedVersion[] }> {
    const checked: CheckedVersion[] = [];
    for (const candidate of await candidatesOf(call, which)) {
      call.signal?.throwIfAborted();
      checked.push(await new VersionCheck(call, candidate).run(traces));
    }
    return { graphs: checked };
  },
});

interface Candidate {
  readonly definition: GraphDefinition;
  readonly id: GraphId | null;
  readonly version: number | null;
}

function candidatesOf(
  { caller, stores }: Call,
  { document, definition, graph = '', version }: CheckInput,
): Promise<readonly Candidate[]> {
  return stores.database.inTenant(caller.tenant, async ({ em }) => {
    if (document !== undefined) {
      const definitions = await compileDocument(em, caller.tenant, document);
      return definitions.map((definition) => ({ definition, id: null, version: null }));
    }
    if (definition !== undefined) return [{ definition: requireUsable(definition), id: null, version: null }];
    const head = await graphHead(em, caller.tenant, { name: graph, version });
    return [{ ...head, definition: await stores.graphs.get(caller.tenant, head.id) }];
  });
}

/** Tasks that are read in one transaction. */
const PAGE = 50;

class VersionCheck {
  readonly #call: Call;
  readonly #candidate: Candidate;
  readonly #to: ProveVersion;
  readonly #from = new Map<GraphId, ProveVersion>();
  readonly #proven = new Set<string>();
  readonly #breaks: BrokenTask[] = [];

  constructor(call: Call, candidate: Candidate) {
    this.#call = call;
    this.#candidate = candidate;
    this.#to = versionProof(candidate.definition);
  }

  async run(traces: number): Promise<CheckedVersion> {
    const { definition, version } = this.#candidate;
    const { tenant } = this.#call.caller;
    const active = await this.#read((_, graphs) => graphs.head(tenant, definition.name));
    const tasks = await this.#tryParked();
    const tried = active === null ? 0 : await this.#tryTraces(active.id, traces);
    return {
      ...{ graph: definition.name, version, against: active?.version ?? null, tasks, traces: tried },
      ...{ breaks: this.#breaks, unproven: recordedNodes(definition).filter((path) => !this.#proven.has(path)) },
    };
  }

  /** A page at a time: there may be ten thousand. */
  async #tryParked(): Promise<number> {
    const { definition, id } = this.#candidate;
    const which = { name: definition.name, except: id, limit: PAGE };
    let count = 0;
    for (let after: TaskId | null = null, full = true; full; ) {
      const page = await this.#page((history) => history.parked(this.#call.caller.tenant, { ...which, after }));
      for (const { task, happened } of page) {
        const { proof, breaks } = breakOfMove(happened, await this.#versionOf(task.graphId), this.#to);
        this.#note(proof);
        if (breaks !== null) this.#breaks.push({ taskId: task.taskId, kind: 'task', ...breaks });
      }
      count += page.length;
      after = page.at(-1)?.task.taskId ?? null;
      full = page.length === PAGE;
    }
    return count;
  }

  async #tryTraces(active: GraphId, most: number): Promise<number> {
    const tasks = await this.#read((history) => history.completed(this.#call.caller.tenant, active, most));
    for (let from = 0; from < tasks.length; from += PAGE) {
      for (const { task, happened } of await this.#page(async () => tasks.slice(from, from + PAGE))) {
        const proof = this.#to(happened, 'handlers');
        this.#note(proof);
        if (proof.breaks !== null) this.#breaks.push({ taskId: task.taskId, kind: 'trace', ...proof.breaks });
      }
    }
    return tasks.length;
  }

  #page(
    find: (history: GraphHistoryRepository) => Promise<readonly TaskOfGraph[]>,
  ): Promise<readonly { readonly task: TaskOfGraph; readonly happened: Happened }[]> {
    this.#call.signal?.throwIfAborted();
    return this.#read(async (history) => {
      const read: { task: TaskOfGraph; happened: Happened }[] = [];
      for (const task of await find(history)) read.push({ task, happened: happenedOf(await history.happened(task)) });
      return read;
    });
  }

  async #versionOf(id: GraphId): Promise<ProveVersion> {
    const known = this.#from.get(id) ?? versionProof(await this.#call.stores.graphs.get(this.#call.caller.tenant, id));
    this.#from.set(id, known);
    return known;
  }

  #note({ stood }: Proof): void {
    for (const path of stood) this.#proven.add(path.replaceAll(/\[\d+\]/g, ''));
  }

  #read<Result>(work: (history: GraphHistoryRepository, graphs: GraphRepository) => Promise<Result>): Promise<Result> {
    const { caller, stores } = this.#call;
    return stores.database.inTenant(caller.tenant, ({ em }) =>
      work(new GraphHistoryRepository(em), new GraphRepository(em)),
    );
  }
}
