import { buildMapping } from '../build-mapping.ts';
import { isBound } from '../connections.ts';
import type { AgentNode, NodeBudget, ToolNode } from '../definition.ts';
import type { GraphFaultCode } from '../graph-faults.ts';
import type { NodeSpec } from '../graph-spec.ts';
import { BUDGET_LIMITS, DEFAULT_BUDGET } from '../kinds.ts';
import { NAME_PATTERN, OPERATION_NAME_PATTERN } from '../names.ts';
import { readMapping } from '../read-mapping.ts';
import { at, nameOf, note, type Place, readBoolean, readInteger, readObject } from '../read-unknown.ts';
import type { Drive, KindRules } from './kind-rules.ts';

export function callsHandler(kind: 'agent' | 'tool'): KindRules<AgentNode | ToolNode> {
  return {
    property: kind,
    ...(kind === 'tool' ? { alias: 'operation' as const } : {}),
    written: ['input', 'budget'],
    objective: '',
    brings: (spec) => ({ handler: spec[kind] }),
    build: (spec) => build(spec, kind),
    fields: ['handler', 'quick', 'input', 'budget'],
    optional: kind === 'agent' ? ['thinks'] : [],
    parse: (field) => ({
      ...readThinks(...field('thinks')),
      handler: readHandler(kind, ...field('handler')),
      quick: readBoolean(...field('quick')),
      input: readMapping(...field('input')),
      budget: readBudget(...field('budget')),
    }),
    drive,
    readers: ({ input }) => ({ input }),
    plan: { input: { fields: {} } },
    decides: false,
  };
}

/** A bound tool runs no code: it reads what its llm called. */
function drive(node: AgentNode | ToolNode): Drive {
  if (node.thinks) return 'thinking';
  return node.quick || isBound(node) ? 'inline' : 'activity';
}

function build(spec: NodeSpec, kind: 'agent' | 'tool') {
  const handler = spec[kind];
  return {
    ...(handler?.thinking === undefined ? {} : { thinks: true as const }),
    handler: handler?.name ?? (kind === 'tool' ? spec.operation : undefined) ?? '',
    quick: handler?.quick ?? false,
    input: buildMapping(spec.input),
    budget: { ...DEFAULT_BUDGET, ...spec.budget },
  };
}

/** Absent from any other node, so that graphs without thinking agents keep their hashes. */
function readThinks(value: unknown, place: Place): { readonly thinks?: true } {
  return value !== undefined && readBoolean(value, place) ? { thinks: true } : {};
}

function readHandler(kind: string, value: unknown, place: Place): string {
  if (typeof value === 'string' && (NAME_PATTERN.test(value) || isOperation(kind, value))) return value;
  if (value === null) note(place, 'handler_missing', `A node of kind ${kind} needs a handler's name, found null.`);
  else if (value !== undefined) {
    note(place, 'name_invalid', `Expected a name like ${NAME_PATTERN.source}, found ${nameOf(value)}.`);
  }
  return '';
}

function isOperation(kind: string, name: string): boolean {
  return kind === 'tool' && OPERATION_NAME_PATTERN.test(name);
}

function readBudget(value: unknown, place: Place): NodeBudget {
  const keys = ['timeoutMs', 'maxRetries', 'inputTokens', 'outputTokens'] as const;
  const budget = value === undefined ? {} : (readObject(value, place, { required: keys }) ?? {});
  const read = (key: (typeof keys)[number], code: GraphFaultCode) =>
    readInteger(budget[key], at(place, key), { code, ...BUDGET_LIMITS[key] });
  return {
    timeoutMs: read('timeoutMs', 'timeout_out_of_range'),
    maxRetries: read('maxRetries', 'retries_out_of_range'),
    inputTokens: read('inputTokens', 'tokens_out_of_range'),
    outputTokens: read('outputTokens', 'tokens_out_of_range'),
  };
}
