// `nodetool status` is read as Cassandra 5.0 prints it; a recorded address is corrected only where it is certain.
import { describe, expect, it } from '@jest/globals';
import { corrections, notWhole, parseRing } from './ring.ts';

const STATUS = `Datacenter: dc1
===============
Status=Up/Down
|/ State=Normal/Leaving/Joining/Moving
--  Address      Load        Tokens  Owns (effective)  Host ID                               Rack
UN  10.244.1.27  118.05 KiB  16      100.0%            6d194555-f6eb-41d0-c000-000000000001  r1
DN  10.244.2.11  ?           16      100.0%            6d194555-f6eb-41d0-c000-000000000002  r2
UL  10.244.3.5   81.2 KiB    16      ?                 6d194555-f6eb-41d0-c000-000000000003  r3

Note: Non-system keyspaces don't have the same replication settings, effective ownership information is meaningless
`;

const member = (index: number, ready: boolean) => ({ pod: `p${index}`, rack: `r${index}`, ready });
const MEMBERS = [member(1, true), member(2, false), member(3, true)];

describe('parseRing', () => {
  it('reads state, address and rack', () => {
    expect(parseRing(STATUS)).toEqual([
      { state: 'UN', address: '10.244.1.27', rack: 'r1' },
      { state: 'DN', address: '10.244.2.11', rack: 'r2' },
      { state: 'UL', address: '10.244.3.5', rack: 'r3' },
    ]);
    expect(parseRing('nodetool: Failed to connect')).toEqual([]);
  });
});

describe('notWhole', () => {
  it('names what is not up and normal', () => {
    expect(notWhole(parseRing(STATUS), 3)).toContain('10.244.2.11 DN, 10.244.3.5 UL');
    const [first] = parseRing(STATUS);
    expect(notWhole(first === undefined ? [] : [first], 1)).toBeUndefined();
    expect(notWhole([], 1)).toContain('0 members');
    expect(notWhole(undefined, 1)).toBeDefined();
  });
});

describe('corrections', () => {
  const ring = parseRing(STATUS);
  const recorded = { p1: '10.244.1.27', p2: '10.0.0.1', p3: '10.244.3.5' };

  it('takes the address by which the ring knows the one member that is down', () => {
    expect(corrections(ring, MEMBERS, recorded)).toEqual({ p2: '10.244.2.11' });
  });

  it.each([
    ['the record is right', { ...recorded, p2: '10.244.2.11' }, MEMBERS],
    ['the member serves', recorded, [member(1, true), member(2, true), member(3, true)]],
    [
      'two could be meant',
      { ...recorded, p4: '10.0.0.4' },
      [...MEMBERS, { pod: 'p4', rack: 'r2', ready: false }],
    ],
    ['the member is of another rack', recorded, [member(1, true), { pod: 'p2', rack: 'r3', ready: false }]],
  ])('does nothing when %s', (_what, addresses, members) => {
    expect(corrections(ring, members, addresses)).toEqual({});
  });
});
