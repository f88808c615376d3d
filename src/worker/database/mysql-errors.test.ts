// The client's retry policy, error by error.
import { describe, expect, it } from '@jest/globals';
import { RequestError } from '../http/problem.ts';
import { meaningOf } from './mysql-errors.ts';

describe('meaningOf', () => {
  it.each([
    ['the standby answered', { errno: 1290, code: 'ER_OPTION_PREVENTS_STATEMENT' }, 'elsewhere'],
    ['a read-only transaction', { errno: 1792 }, 'elsewhere'],
    ['a fenced primary', { errno: 3032 }, 'elsewhere'],
    ['a commit refused by the replication hook', { errno: 3100 }, 'elsewhere'],
    ['shutdown', { errno: 1053 }, 'elsewhere'],
    ['a password being rotated', { errno: 1045 }, 'elsewhere'],
    ['refused', { errno: -111, code: 'ECONNREFUSED', syscall: 'connect' }, 'elsewhere'],
    ['no name yet', { errno: -3008, code: 'ENOTFOUND' }, 'elsewhere'],
    ['a hanging statement', { code: 'PROTOCOL_SEQUENCE_TIMEOUT', fatal: true }, 'elsewhere'],
    ['a broken stream', { code: 'SOMETHING_NEW', fatal: true }, 'elsewhere'],
    ['deadlock', { errno: 1213, code: 'ER_LOCK_DEADLOCK' }, 'again'],
    ['lock wait', { errno: 1205 }, 'again'],
    ['duplicate key', { errno: 1062, code: 'ER_DUP_ENTRY' }, 'refused'],
    ['syntax', { errno: 1064, code: 'ER_PARSE_ERROR' }, 'refused'],
    ['our own refusal', new RequestError(409, 'taken'), 'refused'],
    ['a bug', new TypeError('x'), 'refused'],
    ['nothing', undefined, 'refused'],
  ] as const)('%s', (_what, error, meaning) => {
    expect(meaningOf(error)).toBe(meaning);
  });
});
