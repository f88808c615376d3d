// Leases for leader election: the time format they need, and the pure steps of taking, renewing and releasing one.
import type { Lease } from './types.ts';

/** RFC 3339 with exactly six decimals (Kubernetes' MicroTime). A plain date's three are refused by some servers. */
export function microTime(epochMs: number): string {
  const micros = Math.round(epochMs * 1_000);
  const rest = String(micros % 1_000).padStart(3, '0');
  return `${new Date(Math.floor(micros / 1_000)).toISOString().slice(0, -1)}${rest}Z`;
}

/** Milliseconds since 1970, with a fraction; undefined for what is no RFC 3339 time. */
export function parseMicroTime(text: string): number | undefined {
  const match = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?(Z|[+-]\d{2}:\d{2})$/.exec(text);
  if (match === null) return undefined;
  const [, seconds = '', decimals = '', zone = ''] = match;
  const whole = Date.parse(seconds + zone);
  return Number.isNaN(whole) ? undefined : whole + Number(`0.${decimals}0`) * 1_000;
}

/** '' when nobody holds it. */
export function holderOf(lease: Lease): string {
  return lease.spec?.holderIdentity ?? '';
}

export interface Claim {
  readonly holder: string;
  readonly durationMs: number;
  /** Wall clock, milliseconds. For people only: nobody judges by it. */
  readonly at: number;
}

/** Pure: the Lease renewed by its holder, or taken by another, which raises the count of transitions. */
export function claimed(lease: Lease, claim: Claim): Lease {
  const renewTime = microTime(claim.at);
  const kept = holderOf(lease) === claim.holder;
  return {
    ...lease,
    spec: {
      ...lease.spec,
      holderIdentity: claim.holder,
      leaseDurationSeconds: Math.ceil(claim.durationMs / 1_000),
      renewTime,
      acquireTime: kept ? (lease.spec?.acquireTime ?? renewTime) : renewTime,
      leaseTransitions: (lease.spec?.leaseTransitions ?? 0) + (kept ? 0 : 1),
    },
  };
}

/** Pure: the Lease given up. The count of transitions stays, so that the next holder raises it. */
export function released(lease: Lease, at: number): Lease {
  // Left out, as before the first holder.
  const { holderIdentity: _holder, ...spec } = lease.spec ?? {};
  return { ...lease, spec: { ...spec, leaseDurationSeconds: 1, renewTime: microTime(at) } };
}
