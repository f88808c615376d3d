// Names of the pair's objects that the contract does not fix.
import { podName, workloadName } from '../../api/v1alpha1/names.ts';

export const MEMBERS = 2;

export function memberNames(cluster: string): readonly string[] {
  return Array.from({ length: MEMBERS }, (_, ordinal) => podName(cluster, 'mysql', ordinal));
}

/** The headless Service: gives the members the DNS names that their certificates bear. */
export function headlessService(cluster: string): string {
  return workloadName(cluster, 'mysql');
}
