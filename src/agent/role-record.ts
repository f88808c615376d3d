// A role's record, kept in a Lease that is written only on change: who holds it, under which epoch, who has every commit.
import { ANNOTATIONS } from '../api/v1alpha1/names.ts';
import { EngineError } from '../errors.ts';
import type { Lease } from '../kube/types.ts';
import type { RoleNotes } from './role-notes.ts';

/** A member known to hold every acknowledged commit, and the very data directory that holds them (M2). */
export interface Copy {
  readonly member: string;
  readonly serverUuid: string;
  readonly datadir: string;
}

/** '' where the role has no phases, or none has begun. */
export type Phase = '' | 'promoting' | 'open';

export interface RoleRecord {
  /** `POD/UID`; undefined when nobody holds the role. */
  readonly holder?: string | undefined;
  /** Raised at every hand-over (L2); 0 before the first. */
  readonly epoch: number;
  readonly phase: Phase;
  readonly copies: readonly Copy[];
  /** The value of the SpaceCluster's switchover annotation that was acted on last: a value acts once. '' when none is set. */
  readonly switchover: string;
  readonly notes?: RoleNotes;
  /** The version this was read from: what a conditional write replaces. */
  readonly resourceVersion: string;
}

/** What a write changes; what is left out stays. `holder: null` empties the role. */
export interface RoleChange {
  readonly holder?: string | null;
  readonly epoch?: number;
  readonly phase?: Phase;
  readonly copies?: readonly Copy[];
  readonly switchover?: string;
  /** Laid over those that are there. */
  readonly notes?: RoleNotes;
}

/** @throws EngineError when an annotation is not what the agents write: a record must never be guessed at */
export function decodeRole(lease: Lease): RoleRecord {
  const annotations = lease.metadata.annotations ?? {};
  const holder = lease.spec?.holderIdentity;
  const notes = annotations[ANNOTATIONS.notes];
  return {
    holder: holder === undefined || holder === '' ? undefined : holder,
    epoch: lease.spec?.leaseTransitions ?? 0,
    phase: decodePhase(annotations[ANNOTATIONS.phase] ?? '', lease),
    copies: decodeCopies(annotations[ANNOTATIONS.copies], lease),
    switchover: annotations[ANNOTATIONS.switchover] ?? '',
    ...(notes === undefined ? {} : { notes: decodeNotes(notes, lease) }),
    resourceVersion: lease.metadata.resourceVersion ?? '',
  };
}

/**
 * The Lease that carries `change` over the version in `lease`. The epoch never falls, and a new holder needs a higher one (L2).
 * @param at RFC 3339 with microseconds, for people: no decision rests on it
 * @throws EngineError for a change that would break L2
 */
export function encodeRole(lease: Lease, change: RoleChange, at: string): Lease {
  const before = decodeRole(lease);
  const holder = change.holder === undefined ? before.holder : (change.holder ?? undefined);
  const epoch = change.epoch ?? before.epoch;
  const taken = holder !== undefined && holder !== before.holder;
  if (epoch < before.epoch || (taken && epoch <= before.epoch)) {
    throw new EngineError(
      `role ${lease.metadata.name}: epoch ${epoch} is not above ${before.epoch}; read the record again`,
    );
  }
  const { holderIdentity: _, ...spec } = lease.spec ?? {};
  return {
    ...lease,
    metadata: { ...lease.metadata, annotations: annotationsWith(lease, change, before.notes) },
    spec: {
      ...spec,
      ...(holder === undefined ? {} : { holderIdentity: holder }),
      ...(taken ? { acquireTime: at } : {}),
      leaseTransitions: epoch,
      renewTime: at,
    },
  };
}

/** The change by which `self` takes over a record: the next epoch, copies unchanged (M4). */
export function taking(record: RoleRecord, self: string, phase: Phase = ''): RoleChange {
  return { holder: self, epoch: record.epoch + 1, phase };
}

/** The pod in a holder's `POD/UID`. */
export function podOf(identity: string): string {
  return identity.split('/')[0] ?? identity;
}

function annotationsWith(
  lease: Lease,
  change: RoleChange,
  notes: RoleNotes | undefined,
): Readonly<Record<string, string>> {
  return {
    ...lease.metadata.annotations,
    ...(change.phase === undefined ? {} : { [ANNOTATIONS.phase]: change.phase }),
    ...(change.copies === undefined ? {} : { [ANNOTATIONS.copies]: JSON.stringify(change.copies) }),
    ...(change.switchover === undefined ? {} : { [ANNOTATIONS.switchover]: change.switchover }),
    ...(change.notes === undefined
      ? {}
      : { [ANNOTATIONS.notes]: JSON.stringify({ ...notes, ...change.notes }) }),
  };
}

function decodePhase(text: string, lease: Lease): Phase {
  if (text === '' || text === 'promoting' || text === 'open') return text;
  throw unreadable(lease, ANNOTATIONS.phase, text);
}

function decodeCopies(text: string | undefined, lease: Lease): readonly Copy[] {
  if (text === undefined) return [];
  const value = parse(text);
  if (!Array.isArray(value) || !value.every(isCopy)) throw unreadable(lease, ANNOTATIONS.copies, text);
  return value;
}

function decodeNotes(text: string, lease: Lease): RoleNotes {
  const value = parse(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value;
  throw unreadable(lease, ANNOTATIONS.notes, text);
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isCopy(value: unknown): value is Copy {
  if (typeof value !== 'object' || value === null) return false;
  const fields = new Map<string, unknown>(Object.entries(value));
  return ['member', 'serverUuid', 'datadir'].every((field) => typeof fields.get(field) === 'string');
}

function unreadable(lease: Lease, annotation: string, text: string): EngineError {
  return new EngineError(
    `role ${lease.metadata.name}: annotation ${annotation} is not readable: ${text.slice(0, 200)}`,
  );
}
