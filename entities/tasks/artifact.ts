import { defineEntity, p } from '@mikro-orm/core';
import type { ArtifactId, TaskId, TenantId } from '../../domain/ids.ts';
import { createdAt, keyOf, plainTenantId } from '../columns.ts';
import { Task } from './task.ts';

const schema = defineEntity({
  name: 'Artifact',
  tableName: 'artifacts',
  properties: {
    id: p.uuid().$type<ArtifactId>().primary(),
    tenantId: plainTenantId().$type<TenantId>(),
    taskId: () => keyOf(Task, 'task_id').$type<TaskId>().nullable(),
    name: p.text(),
    mediaType: p.text(),
    /** Lower-case hexadecimal hash of the content. */
    sha256: p.text().fieldName('sha256').check("sha256 ~ '^[0-9a-f]{64}$'"),
    sizeBytes: p.integer().check('size_bytes >= 0'),
    content: p.blob().lazy(),
    createdAt: createdAt(),
  },
  uniques: [{ name: 'artifacts_task_name_unique', properties: ['taskId', 'name'], where: 'task_id is not null' }],
  indexes: [{ name: 'artifacts_created_index', properties: ['createdAt'] }],
});

/** Content too large or too secret for a row or a payload, kept by reference. Its bytes are read only when asked for. */
export class Artifact extends schema.class {}
schema.setClass(Artifact);
