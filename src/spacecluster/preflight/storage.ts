// Check of the storage classes: the named one exists, or there is a default one.
import { fail, PASS } from './check.ts';
import type { Check } from './check.ts';

const DEFAULT_CLASS = 'storageclass.kubernetes.io/is-default-class';

export const storageClassesExist: Check = ({ cluster, storageClasses }) => {
  const { mysql, postgresql, cassandra } = cluster.spec;
  const known = storageClasses.map(({ metadata }) => metadata.name).toSorted();
  const hasDefault = storageClasses.some(({ metadata }) => metadata.annotations?.[DEFAULT_CLASS] === 'true');
  const faults = Object.entries({ mysql, postgresql, cassandra }).flatMap(([part, { storage }]) => {
    const field = `spec.${part}.storage.storageClassName`;
    const name = storage.storageClassName;
    if (name === undefined) return hasDefault ? [] : [`${field} is not set, and no class is the default one`];
    return known.includes(name) ? [] : [`${field}: there is no class "${name}"`];
  });
  if (faults.length === 0) return PASS;
  return fail('StorageClassMissing', `${faults.join('; ')}; classes found: ${known.join(', ') || 'none'}`);
};
