import assert from 'node:assert/strict';
import { assertNone, planted } from './faults.ts';
import { looseStatements, outboxWriters, rawRowCasts, secondWriters } from './row-gates.ts';
import { productFiles } from './source-files.ts';

/** How many raw rows are said to be of a type. Whoever removes some lowers the number; it never rises. */
const MOST_CASTS = 3;

/** What appends to the outbox beside the recorder. Remove a file here when it does so no longer; none is added. */
const OUTBOX_WRITERS = [
  'entities/tasks/dead-letter-repository.ts',
  'entities/tasks/dependency-repository.ts',
  'entities/tasks/end-waiting.ts',
  'entities/tasks/schedule-repository.ts',
  'entities/tasks/succession-repository.ts',
  'entities/tasks/task-repository.ts',
  'entities/waits/wait-repository.ts',
  'operations/approvals/decide.ts',
  'operations/budgets/tell-waiting.ts',
];

describe('the rows', () => {
  it('are written and read by typed queries: statements in SQL text have folders of their own', () => {
    const text = 'const result = await sql<Row>`\n  select id from muster.tasks where true`.execute(kysely);';
    const loose = looseStatements([
      planted('entities/tasks/x.ts', text),
      planted('entities/tasks/statements/x.ts', text),
      planted('client/x.ts', 'const now = sql<Date>`now()`;'),
    ]);

    assert.equal(loose.length, 1);
    assertNone(looseStatements(productFiles()));
  });

  it('are cast manually less and less often', () => {
    const cast = rawRowCasts([
      planted('entities/tasks/x.ts', 'const one = await sql<{ id: string }>`select id from muster.tasks`;'),
      planted('operations/tasks/x.ts', 'const rows = result.rows as unknown as TaskRow[];'),
      planted('entities/tasks/y.ts', 'const typed = await tables(em).selectFrom("tasks").execute();'),
    ]);

    const found = rawRowCasts(productFiles());

    assert.equal(cast.length, 2);
    assert.ok(
      found.length <= MOST_CASTS,
      `${found.length} casts of raw rows, ${MOST_CASTS} at most:\n${found.join('\n')}`,
    );
  });

  it('that say what happened have one writer: the recorder, with the shapes that single statements share', () => {
    const second = secondWriters([
      planted('entities/tasks/a.ts', 'sql`insert into muster.audit_log (id) values (1)`'),
      planted('dispatcher/b.ts', "db.updateTable('agent_traces').set({})"),
      planted('client/c.ts', 'await em.nativeUpdate(AgentRun, {}, {});'),
      planted('operations/tasks/d.ts', 'em.createQueryBuilder(OutboxEntry)\n  .insert({})'),
      planted('operations/record/e.ts', "db.insertInto('trace_events')"),
      planted('operations/tasks/g.ts', 'await new Recorder(em).eventHappened(traceId, []);'),
      planted('entities/tasks/f.ts', 'sql`delete from muster.outbox`; sql`select 1 from audit_log`'),
    ]);

    assert.deepEqual(
      second.map((fault) => fault.split(':')[0]),
      ['entities/tasks/a.ts', 'dispatcher/b.ts', 'client/c.ts', 'operations/tasks/d.ts', 'operations/tasks/g.ts'],
    );
    assertNone(secondWriters(productFiles()));
  });

  it('of the outbox are appended beside the recorder in fewer and fewer places', () => {
    const found = outboxWriters([
      planted('client/a.ts', "runPart(em, outboxRowsFrom(null, { topic: 'task.killed' }))"),
      planted('entities/tasks/b.ts', "with('sent', () => submittedRowsFrom('created'))"),
      planted('entities/tasks/statements/c.ts', "with('sent', () => submittedRowsFrom('created'))"),
      planted('operations/record/d.ts', "outboxRowsFrom('ended', { topic: 'task.finished' })"),
    ]);

    assert.deepEqual(found, ['client/a.ts', 'entities/tasks/b.ts']);
    assert.deepEqual(outboxWriters(productFiles()), OUTBOX_WRITERS);
  });
});
