import assert from 'node:assert/strict';
import {
  type DatabaseFault,
  faultOf,
  isDataFault,
  isTransient,
  isUnknownAnswer,
} from '../../database/database-faults.ts';

const coded = (code: string, message = 'on purpose') => Object.assign(new Error(message), { code });

const MEANINGS: Readonly<Record<DatabaseFault, readonly string[]>> = {
  interrupted: ['40001', '40P01', '40003', '55P03', '57014', '0A000', '26000'],
  unreachable: [
    ...['08000', '08003', '08006', '57P01', '57P02', '57P03', '57P05', '58030', '58P01', '25P03', '25P04'],
    ...['ECONNREFUSED', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH'],
    ...['ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL', 'EMFILE', 'ENFILE'],
  ],
  overloaded: ['53000', '53100', '53200', '53300', '53400'],
  read_only: ['25006'],
  login_refused: ['28000', '28P01', '3D000'],
  unprepared: ['42P01', '3F000', '42703', '42704', '42501', '22023'],
  refused: ['22001', '22P05', '22003', '23502', '23503', '23505', '23514', '44000', '54000', '54001', 'P0001'],
};

describe('what an error of the database means', () => {
  for (const [fault, codes] of Object.entries(MEANINGS)) {
    it(`${fault}: ${codes.join(', ')}`, () => {
      for (const code of codes) assert.equal(faultOf(coded(code)), fault, code);
    });
  }

  it('is unknown for faults of the program and for what is no error of the database', () => {
    for (const code of ['42601', '25P02', 'XX000', 'EPERM', 'EACCES', '']) {
      assert.equal(faultOf(coded(code)), null, code);
    }
    for (const thrown of ['57P01', null, { code: '57P01' }, new Error('odd')]) assert.equal(faultOf(thrown), null);
  });

  it('is an unknown answer only where the server gave it', () => {
    const answered = (code: string) => Object.assign(coded(code), { severity: 'ERROR' });

    assert.deepEqual(
      [answered('XX001'), answered('42703'), answered('57P01'), answered('23505'), coded('EPERM')].map(isUnknownAnswer),
      [true, true, false, false, false],
    );
    assert.equal(isUnknownAnswer(new Error('query failed', { cause: answered('XX000') })), true);
  });

  it('is found among the causes, in a list of addresses, and in the texts of the driver', () => {
    const refused = coded('ECONNREFUSED');
    const texts = ['Connection terminated unexpectedly', 'timeout exceeded when trying to connect'];

    for (const error of [
      new Error('query failed', { cause: refused }),
      new AggregateError([refused], ''),
      Object.assign(coded('ENOENT'), { syscall: 'connect' }),
      ...texts.map((text) => new Error(text)),
    ]) {
      assert.equal(faultOf(error), 'unreachable');
    }
  });

  it('is worth another try unless the login or what was written is refused', () => {
    const transient: DatabaseFault[] = ['interrupted', 'unreachable', 'overloaded', 'read_only'];

    assert.deepEqual(
      (Object.keys(MEANINGS) as DatabaseFault[]).filter((fault) => isTransient(fault)),
      transient,
    );
    assert.deepEqual(
      [isTransient(null), isDataFault(coded('23505')), isDataFault(coded('53300'))],
      [false, true, false],
    );
  });
});
