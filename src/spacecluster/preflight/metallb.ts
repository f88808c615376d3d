// Checks of MetalLB: there, able to announce from the balancers' nodes, and configured for this address.
import { objectLabels } from '../../api/v1alpha1/names.ts';
import type { IPAddressPool, L2Advertisement } from '../../kube/types.ts';
import { contains } from './addresses.ts';
import { balancerCandidates, nameList } from './candidates.ts';
import { fail, PASS } from './check.ts';
import type { Check, Finding } from './check.ts';
import type { MetalLBFacts, PreflightFacts } from './facts.ts';
import { anyMatches, matches } from './selectors.ts';

type Installed = Extract<MetalLBFacts, { installed: true }>;

/** The API server serves MetalLB's kinds, and before the first start a speaker is ready on every node that counts. */
export const metallbRuns: Check = (facts) => {
  const { metallb } = facts;
  if (!metallb.installed) {
    return fail(
      'MetalLBMissing',
      'spec.vip: MetalLB announces the address, but the API server does not know metallb.io/v1beta1; install MetalLB',
    );
  }
  // Of a cluster that runs already, a speaker lost with its node must not hold back changes (R4).
  if (facts.pods.length > 0) return PASS;
  const speaking = new Set(metallb.speakers.filter(isReady).map(({ spec }) => spec?.nodeName));
  const silent = balancerCandidates(facts).filter(({ metadata }) => !speaking.has(metadata.name));
  if (silent.length === 0) return PASS;
  return fail(
    'MetalLBNotRunning',
    `spec.vip: no speaker of MetalLB is ready on ${nameList(silent)} (namespace ${metallb.namespace}); one on every node that can carry a load balancer is wanted`,
  );
};

/** An invalid configuration is ignored by MetalLB, which goes on with the last valid one without a word. */
export const metallbConfigured: Check = ({ metallb }) => {
  if (!metallb.installed) return PASS;
  const invalid = metallb.states?.find(({ status }) => status?.result === 'Invalid');
  if (invalid === undefined) return PASS;
  return fail(
    'MetalLBConfigurationInvalid',
    `spec.vip: MetalLB's ${invalid.metadata.name} refuses its configuration: ${invalid.status?.errorSummary ?? 'no reason given'}`,
  );
};

export const poolAllowed: Check = ({ cluster, allowedCIDRs }) => {
  const { address, managePool } = cluster.spec.vip;
  if (!managePool || allowedCIDRs.some((cidr) => contains(cidr, address))) return PASS;
  return fail(
    'ManagePoolNotAllowed',
    `spec.vip.managePool: ${address} lies outside what the operator may announce ` +
      `(chart value vip.allowedCIDRs: ${allowedCIDRs.join(', ') || 'nothing'})`,
  );
};

/** The address can be had: from a pool that a person made, or from one of our own that overlaps with nobody's. */
export const poolCovers: Check = (facts) => {
  const { metallb, cluster } = facts;
  if (!metallb.installed) return PASS;
  const { address, managePool } = cluster.spec.vip;
  const holding = metallb.pools.filter(({ spec }) =>
    spec.addresses.some((range) => contains(range, address)),
  );
  if (managePool) return noOverlap(holding, address);
  const [first] = holding;
  if (first === undefined) {
    const found = metallb.pools.map(
      ({ metadata, spec }) => `${metadata.name} (${spec.addresses.join(', ')})`,
    );
    return fail(
      'NoPoolForAddress',
      `spec.vip.address: no IPAddressPool holds ${address}; found ${found.join(', ') || 'no pool'}. ` +
        'Extend a pool, or set spec.vip.managePool',
    );
  }
  const usable = holding.filter((pool) => servesUs(pool, facts));
  if (usable.length === 0) {
    return fail(
      'PoolNotForNamespace',
      `spec.vip.address: IPAddressPool ${first.metadata.name} holds ${address}, but its serviceAllocation leaves out namespace ${cluster.metadata.namespace}`,
    );
  }
  const findings = usable.map((pool) => advertised(pool, metallb, facts));
  return findings.find(({ kind }) => kind === 'pass') ?? findings[0] ?? PASS;
};

/** MetalLB refuses pools that overlap. */
function noOverlap(holding: readonly IPAddressPool[], address: string): Finding {
  const foreign = holding.find(
    ({ metadata }) => metadata.labels?.['app.kubernetes.io/managed-by'] !== 'spacecluster',
  );
  if (foreign === undefined) return PASS;
  return fail(
    'PoolOverlaps',
    `spec.vip.managePool: IPAddressPool ${foreign.metadata.name} (${foreign.spec.addresses.join(', ')}) holds ${address} already, and MetalLB refuses a second one; set managePool to false`,
  );
}

function servesUs({ spec }: IPAddressPool, { cluster, namespace }: PreflightFacts): boolean {
  const allocation = spec.serviceAllocation;
  if (allocation === undefined) return true;
  const { namespaces = [], namespaceSelectors = [] } = allocation;
  const open = namespaces.length === 0 && namespaceSelectors.length === 0;
  return (
    (open ||
      namespaces.includes(cluster.metadata.namespace) ||
      namespaceSelectors.some((selector) => matches(selector, namespace.metadata.labels))) &&
    anyMatches(allocation.serviceSelectors, objectLabels(cluster.metadata.name, 'loadbalancer'))
  );
}

/** The address follows its holder, so it must be announced from every node that can carry a balancer. */
function advertised(pool: IPAddressPool, metallb: Installed, facts: PreflightFacts): Finding {
  const covering = metallb.advertisements.filter((advertisement) => covers(advertisement, pool));
  const { name } = pool.metadata;
  if (covering.length === 0) {
    return fail(
      'PoolNotAdvertised',
      `spec.vip.address: no L2Advertisement covers IPAddressPool ${name}; found ${metallb.advertisements.map(({ metadata }) => metadata.name).join(', ') || 'none at all'}`,
    );
  }
  const silent = balancerCandidates(facts).filter(
    ({ metadata }) => !covering.some(({ spec }) => anyMatches(spec?.nodeSelectors, metadata.labels)),
  );
  if (silent.length === 0) return PASS;
  return fail(
    'NodesNotAdvertising',
    `spec.vip.address: the nodeSelectors of L2Advertisement ${covering.map(({ metadata }) => metadata.name).join(', ')} leave out ${nameList(silent)}, which can carry a load balancer`,
  );
}

function covers({ spec }: L2Advertisement, pool: IPAddressPool): boolean {
  const { ipAddressPools = [], ipAddressPoolSelectors = [] } = spec ?? {};
  return (
    (ipAddressPools.length === 0 && ipAddressPoolSelectors.length === 0) ||
    ipAddressPools.includes(pool.metadata.name) ||
    ipAddressPoolSelectors.some((selector) => matches(selector, pool.metadata.labels))
  );
}

function isReady({ status }: Installed['speakers'][number]): boolean {
  return status?.conditions?.some(({ type, status }) => type === 'Ready' && status === 'True') ?? false;
}
