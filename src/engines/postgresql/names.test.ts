import { expect, test } from '@jest/globals';
import { memberHost, slotTo, subscriberOf } from './names.ts';

test('a slot tells whose it is, a foreign one does not', () => {
  expect(subscriberOf(slotTo('7711072969055031314'))).toBe('7711072969055031314');
  expect(subscriberOf('pg_16464_sync_16469_7711072969055031314')).toBe('7711072969055031314');
  expect(subscriberOf('debezium')).toBeUndefined();
});

test('a member is called by a name that its certificate covers', () => {
  expect(memberHost('demo', 'ns', 1)).toBe('demo-postgresql-1.demo-postgresql-members.ns.svc');
});
