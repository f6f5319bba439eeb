import { defineEntity, p } from '@mikro-orm/core';
import type { TenantId } from '../../domain/ids.ts';
import { plainTenantId } from '../columns.ts';

const schema = defineEntity({
  name: 'GraphRequirement',
  tableName: 'graph_requirements',
  properties: {
    tenantId: plainTenantId().$type<TenantId>().primary(),
    graphName: p.text().primary(),
    eval: p.text().primary(),
    scorer: p.text().primary(),
    /** Of the evaluation set, as it was when this was required: another set of its name does not count. */
    definitionHash: p.text(),
    atLeast: p.float().columnType('double precision').check('at_least between 0 and 1'),
  },
});

/** What a version of a graph must have scored before it may be activated. */
export class GraphRequirement extends schema.class {}
schema.setClass(GraphRequirement);
