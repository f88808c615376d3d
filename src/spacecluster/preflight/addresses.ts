// Is an address in a subnet or a range? IPv4 and IPv6, as MetalLB, Nodes and Services write them.
import { BlockList, isIP } from 'node:net';

/** True when `address` lies in `range`: `10.0.0.0/8` or `10.0.0.1-10.0.0.9`. False for a range that cannot be read. */
export function contains(range: string, address: string): boolean {
  const family = familyOf(address);
  if (family === undefined) return false;
  const list = new BlockList();
  try {
    const [first = '', last] = range.split('-').map((part) => part.trim());
    if (last === undefined) {
      const [network = '', prefix = ''] = first.split('/');
      list.addSubnet(network, Number(prefix), familyOf(network) ?? 'ipv4');
    } else {
      list.addRange(first, last, familyOf(first) ?? 'ipv4');
    }
  } catch {
    return false;
  }
  return list.check(address, family);
}

function familyOf(address: string): 'ipv4' | 'ipv6' | undefined {
  switch (isIP(address)) {
    case 4:
      return 'ipv4';
    case 6:
      return 'ipv6';
    default:
      return undefined;
  }
}
