import {
  type OfferedToolRecord,
  OfferedToolRepository,
  type SourceRecord,
} from '../../entities/tools/offered-tool-repository.ts';
import { defineOperation } from '../define.ts';

/** The tools that workers offer to agents, and the sources of those that are not code of a worker. */
export interface ToolsView {
  readonly tools: readonly OfferedToolRecord[];
  readonly sources: readonly SourceRecord[];
}

export const listTools = defineOperation({
  name: 'tools.list',
  summary: 'Lists the tools that workers offer to agents, and the state of each tool source.',
  effect: 'read',
  risk: 'read_only',
  permission: 'grants:read',
  unit: 'tenant',
  input: {},
  async handle({ em }): Promise<ToolsView> {
    const offered = new OfferedToolRepository(em);
    return { tools: await offered.list(), sources: await offered.sources() };
  },
});
