import { MusterError } from '../errors.ts';
import { formatPointer } from '../json.ts';

/** The possible faults of a graph. Codes are stable: tests and callers match on them. */
const GRAPH_FAULT_CODES = [
  'malformed',
  'unknown_property',
  'version_unsupported',
  'name_invalid',
  'width_out_of_range',
  'timeout_out_of_range',
  'retries_out_of_range',
  'tokens_out_of_range',
  'pointer_malformed',
  'comparison_value',
  'no_nodes',
  'too_many_nodes',
  'plan_too_long',
  'node_id_invalid',
  'node_id_duplicate',
  'kind_ambiguous',
  'handler_missing',
  'handler_unexpected',
  'handler_kind',
  'handler_duplicate',
  'expression_invalid',
  'condition_missing',
  'condition_unexpected',
  'dependency_self',
  'dependency_unknown',
  'dependency_duplicate',
  'dependency_cycle',
  'when_not_condition',
  'when_not_required',
  'connection_invalid',
  'edge_unknown_node',
  'edge_duplicate',
  'edge_without_dependency',
  'dependency_without_edge',
  'edge_type',
  'reads_unknown_node',
  'reads_later_node',
  'reads_failed_node',
  'output_unknown_node',
  'document_unknown',
  'input_schema_unusable',
  'graph_too_deep',
  'most_out_of_range',
  'output_reads_previous',
  'inner_input_invalid',
  'input_name_taken',
  'template_unknown',
  'configuration_invalid',
  'llm_invalid',
  'tool_binding',
  'wait_out_of_range',
  'wait_unusable',
] as const;
export type GraphFaultCode = (typeof GRAPH_FAULT_CODES)[number];

/** One fault of a graph: its place as a JSON Pointer into the definition, and one sentence about it. */
export interface GraphFault {
  readonly code: GraphFaultCode;
  readonly path: string;
  /** Of a graph that is read from a document: the line there, from 1; the path is one into the document. */
  readonly line?: number;
  readonly message: string;
}

/** Makes a fault from the tokens of its path. */
export function graphFault(code: GraphFaultCode, path: readonly (string | number)[], message: string): GraphFault {
  return { code, path: formatPointer(path), message };
}

/** A graph that breaks the rules. Nothing was stored or run; `faults` has every fault, of a document the first 100. */
export class GraphInvalid extends MusterError {
  readonly code = 'graph_invalid';
  readonly faults: readonly GraphFault[];

  /**
   * @param graph its name; null where the faults are those of a document
   * @param more how many faults there are besides
   */
  constructor(graph: string | null, faults: readonly GraphFault[], more = 0) {
    const lines = faults.map(({ path, line, message }) => {
      return `\n- ${line === undefined ? '' : `line ${line}, `}${path === '' ? '/' : path}: ${message}`;
    });
    if (more > 0) lines.push(`\n- and ${more} more`);
    const all = faults.length + more;
    const count = all === 1 ? 'one fault' : `${all} faults`;
    const what = graph === null ? 'The document' : `Graph "${graph}"`;
    super(`${what} has ${count}; correct what is named here and define it again:${lines.join('')}`, {
      graph,
      faults: all,
      first: faults[0]?.code ?? null,
    });
    this.faults = faults;
  }
}
