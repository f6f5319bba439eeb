import { createHash, type Hash } from 'node:crypto';
import { MusterError } from '../../domain/errors.ts';
import type { GraphDefinition } from '../../domain/graphs/definition.ts';
import { storedForm } from '../../domain/graphs/stored-form.ts';
import { digestOf } from '../digest-of.ts';
import { requireUsable } from '../graphs/publish-graphs.ts';
import { FileInvalid } from './import-errors.ts';
import { type FileLines, readFile } from './read-file.ts';
import type { Line, LineKind, LineOf } from './trace-file.ts';

/** A file that can be imported, as far as its rows do not say. */
export interface CheckedFile {
  /** Of the whole file: the same file has the same. */
  readonly digest: string;
  /** By their hashes. */
  readonly graphs: ReadonlyMap<string, GraphDefinition>;
  /** The number of its last trace. */
  readonly traces: number;
}

/** What may come after what. */
const AFTER: Readonly<Record<Exclude<LineKind, 'end'>, readonly LineKind[]>> = {
  head: [],
  graph: ['head', 'graph'],
  task: ['graph'],
  artifact: ['task', 'artifact', 'bytes'],
  bytes: ['artifact', 'bytes'],
  trace: ['task', 'artifact', 'bytes', 'trace', 'run', 'event', 'model', 'tool'],
  run: ['trace', 'run'],
  event: ['trace', 'run', 'event'],
  model: ['trace', 'run', 'event', 'model'],
  tool: ['model', 'tool'],
};

/**
 * Reads a file to its end without writing anything: every line, their order, what they refer to, and the digests of the whole,
 * of each graph and of each artifact. @throws FileInvalid
 */
export async function checkFile(lines: FileLines): Promise<CheckedFile> {
  const check = new FileCheck();
  const digest = await readFile(lines, (line, number) => check.take(line, number));
  return { digest, ...check.finish() };
}

class FileCheck {
  readonly #graphs = new Map<string, GraphDefinition>();
  readonly #artifacts = new Set<string>();
  /** What has one place each, among the rows of a task or of a trace. */
  #places = new Set<string>();
  #last: LineKind | null = null;
  #number = 0;
  #wanted = 0;
  readonly #traces: number[] = [];
  #open: { readonly artifact: LineOf<'artifact'>; readonly hash: Hash; bytes: number } | null = null;

  take(line: Exclude<Line, { is: 'end' }>, number: number): void {
    this.#number = number;
    const before = AFTER[line.is];
    if (this.#last === null ? line.is !== 'head' : !before.includes(this.#last)) {
      this.#refuse(`"${line.is}" cannot follow ${this.#last === null ? 'nothing' : `"${this.#last}"`}`);
    }
    if (line.is !== 'bytes') this.#closeArtifact();
    this.#last = line.is;
    // A kind's look takes lines of that kind only.
    (this.#looks[line.is] as (line: Line) => void)(line);
  }

  finish(): Pick<CheckedFile, 'graphs' | 'traces'> {
    this.#closeArtifact();
    if (this.#traces.length !== this.#wanted) this.#refuse(`its head promises ${this.#wanted} traces`);
    return { graphs: this.#graphs, traces: this.#traces.at(-1) ?? 0 };
  }

  /** What of a line of each kind its own fields do not say. */
  readonly #looks: { readonly [Kind in Exclude<LineKind, 'end'>]: (line: LineOf<Kind>) => void } = {
    head: ({ traces }) => {
      this.#wanted = traces;
    },
    graph: (line) => this.#graph(line),
    task: ({ graph }) => this.#requireGraph(graph),
    artifact: (line) => this.#artifact(line),
    bytes: (line) => this.#bytes(line),
    trace: (line) => this.#trace(line),
    run: ({ path, artifact }) => {
      this.#requireArtifact(artifact);
      this.#place(`run ${path}`);
    },
    event: () => undefined,
    model: ({ path, step }) => this.#place(`model ${path} ${step}`),
    tool: ({ path, step, index, result }) => {
      this.#requireArtifact(result?.artifactId ?? null);
      this.#place(`tool ${path} ${step} ${index}`);
    },
  };

  #artifact(artifact: LineOf<'artifact'>): void {
    this.#place(artifact.name);
    this.#artifacts.add(artifact.id);
    this.#open = { artifact, hash: createHash('sha256'), bytes: 0 };
  }

  #graph({ hash, definition }: LineOf<'graph'>): void {
    try {
      // Unknown data, which is checked as any definition is.
      const usable = requireUsable(definition as unknown as GraphDefinition);
      if (digestOf(storedForm(usable)) !== hash) this.#refuse('the graph is not the one of its hash');
      this.#graphs.set(hash, usable);
    } catch (error) {
      if (!(error instanceof MusterError) || error instanceof FileInvalid) throw error;
      this.#refuse(`its graph cannot be used: ${error.message}`.replace(/\.$/, ''));
    }
  }

  #trace({ number, graph }: LineOf<'trace'>): void {
    this.#requireGraph(graph);
    if (number <= (this.#traces.at(-1) ?? 0)) this.#refuse('its traces are not in their order');
    this.#traces.push(number);
    this.#places = new Set();
  }

  #bytes({ content }: LineOf<'bytes'>): void {
    if (this.#open === null) return;
    const bytes = Buffer.from(content, 'base64');
    this.#open.hash.update(bytes);
    this.#open.bytes += bytes.length;
  }

  #closeArtifact(): void {
    if (this.#open === null) return;
    const { artifact, hash, bytes } = this.#open;
    this.#open = null;
    if (bytes !== artifact.bytes || hash.digest('hex') !== artifact.sha256) {
      this.#refuse(`the bytes of the artifact "${artifact.name}" are not those of its digest`);
    }
  }

  #place(place: string): void {
    if (this.#places.has(place)) this.#refuse(`there are two of "${place}"`);
    this.#places.add(place);
  }

  #requireGraph(hash: string): void {
    if (!this.#graphs.has(hash)) this.#refuse('it names a graph that is not in the file');
  }

  #requireArtifact(id: string | null): void {
    if (id !== null && !this.#artifacts.has(id)) this.#refuse('it names an artifact that is not in the file');
  }

  #refuse(fault: string): never {
    throw new FileInvalid(this.#number, fault);
  }
}
