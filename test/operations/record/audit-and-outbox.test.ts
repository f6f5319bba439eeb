import assert from 'node:assert/strict';
import { Recorder } from '../../../operations/record/recorder.ts';
import { withPostgresql } from '../../../servers/probe/probes.ts';
import { ClaimBed } from '../../dispatcher/claim-bed.ts';

describe('rows of the audit log and the outbox', () => {
  let bed: ClaimBed;

  before(async () => {
    bed = await ClaimBed.open('audit and outbox');
  });
  after(() => bed?.close());

  it('say who did what to what, and what is to be done about which task', async () => {
    const [taskId] = await bed.insert();
    assert.ok(taskId);

    await bed.database.inTenant('default', async ({ em }) => {
      const recorder = new Recorder(em);
      const details = { why: "it's asked for", again: false };
      await recorder.audited({
        ...{ tenant: 'default', actor: 'ann', action: 'task.kept', subjectType: 'task', subjectId: taskId, details },
      });
      await recorder.announced({ tenant: 'default', topic: 'task.killed', taskId, payload: { traceNumber: 2 } });
    });

    const { rows } = await withPostgresql(bed.clone.superuserUrl, (client) =>
      client.query(
        `select a.actor, a.action, a.subject_type, a.subject_id, a.details, o.topic, o.task_id, o.payload
          from muster.audit_log a, muster.outbox o where a.subject_id = o.task_id::text`,
      ),
    );
    assert.deepEqual(rows, [
      {
        ...{ actor: 'ann', action: 'task.kept', subject_type: 'task', subject_id: taskId },
        details: { why: "it's asked for", again: false },
        ...{ topic: 'task.killed', task_id: taskId, payload: { traceNumber: 2 } },
      },
    ]);
  });
});
