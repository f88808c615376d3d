import { describe, expect, test } from '@jest/globals';
import type { Lease } from '../kube/types.ts';
import { decodeRole, encodeRole, podOf, taking } from './role-record.ts';

const AT = '2026-11-22T18:00:00.000000Z';
const COPY = { member: 'demo-mysql-0', serverUuid: 'u0', datadir: 'd0' };

function lease(spec: Lease['spec'] = {}, annotations: Readonly<Record<string, string>> = {}): Lease {
  return {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: {
      name: 'demo-mysql',
      namespace: 'demo',
      resourceVersion: '7',
      labels: { a: 'b' },
      annotations,
    },
    spec: { ...spec },
  };
}

describe('role records', () => {
  test('an empty Lease is a role that nobody holds, at epoch 0', () => {
    expect(decodeRole(lease())).toEqual({
      holder: undefined,
      epoch: 0,
      phase: '',
      copies: [],
      switchover: '',
      resourceVersion: '7',
    });
  });

  test('what is written is read again', () => {
    const change = {
      holder: 'demo-mysql-0/1',
      epoch: 3,
      phase: 'open',
      copies: [COPY],
      switchover: 'mysql',
    } as const;
    const written = encodeRole(lease(), change, AT);
    expect(decodeRole(written)).toEqual({ ...change, resourceVersion: '7' });
    expect(written.spec).toMatchObject({ acquireTime: AT, renewTime: AT });
    expect(written.metadata.labels).toEqual({ a: 'b' });
  });

  test('what is left out stays, a null holder empties the role and keeps its epoch', () => {
    const before = encodeRole(lease(), { holder: 'a/1', epoch: 3, phase: 'open', copies: [COPY] }, AT);
    expect(decodeRole(encodeRole(before, { phase: 'promoting' }, AT))).toMatchObject({
      holder: 'a/1',
      epoch: 3,
    });
    const emptied = encodeRole(before, { holder: null }, AT);
    expect(decodeRole(emptied)).toMatchObject({ holder: undefined, epoch: 3, phase: 'open', copies: [COPY] });
    expect(emptied.spec).not.toHaveProperty('holderIdentity');
  });

  test('notes are laid over those that are there, also ones that this version does not know', () => {
    const before = lease({}, { 'spacecluster.dev/notes': '{"later":1,"released":"a","replaced":"m"}' });
    const written = encodeRole(before, { notes: { released: 'b', forced: '' } }, AT);
    expect(decodeRole(written).notes).toEqual({ later: 1, released: 'b', replaced: 'm', forced: '' });
    expect(decodeRole(encodeRole(written, { phase: 'open' }, AT)).notes).toEqual(decodeRole(written).notes);
    expect(() => decodeRole(lease({}, { 'spacecluster.dev/notes': 'x' }))).toThrow('not readable');
  });

  test('taking raises the epoch and leaves the copies alone (M4)', () => {
    const before = encodeRole(lease(), { holder: 'a/1', epoch: 3, copies: [COPY] }, AT);
    const after = encodeRole(before, taking(decodeRole(before), 'b/2', 'promoting'), AT);
    expect(decodeRole(after)).toMatchObject({ holder: 'b/2', epoch: 4, phase: 'promoting', copies: [COPY] });
  });

  test('the epoch never falls, and no new holder comes without a higher one (L2)', () => {
    const before = encodeRole(lease(), { holder: 'a/1', epoch: 3 }, AT);
    expect(() => encodeRole(before, { epoch: 2 }, AT)).toThrow(/epoch 2 is not above 3/);
    expect(() => encodeRole(before, { holder: 'b/2' }, AT)).toThrow(/epoch 3 is not above 3/);
  });

  test.each([
    ['spacecluster.dev/phase', 'opening'],
    ['spacecluster.dev/copies', '{"member":"x"}'],
    ['spacecluster.dev/copies', '[{"member":"x"}]'],
    ['spacecluster.dev/copies', 'nonsense'],
  ])('an unreadable %s (%s) is refused, never guessed at', (annotation, text) => {
    expect(() => decodeRole(lease({}, { [annotation]: text }))).toThrow(annotation);
  });

  test('the pod of an identity', () => {
    expect(podOf('demo-lb-0/1234-5678')).toBe('demo-lb-0');
  });
});
