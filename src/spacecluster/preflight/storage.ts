// Checks of the storage classes: the named one exists, or there is a default one, and volumes that are to grow can.
import { parseQuantity } from '../../kube/quantity.ts';
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

export const volumesCanGrow: Check = ({ cluster, storageClasses, claims }) => {
  const { mysql, postgresql, cassandra } = cluster.spec;
  const expandable = new Set(
    storageClasses
      .filter(({ allowVolumeExpansion }) => allowVolumeExpansion === true)
      .map(({ metadata }) => metadata.name),
  );
  for (const [part, { storage }] of Object.entries({ mysql, postgresql, cassandra })) {
    const stuck = claims.find(
      ({ metadata, spec }) =>
        metadata.labels?.['app.kubernetes.io/component'] === part &&
        parseQuantity(spec?.resources?.requests?.['storage'] ?? '0') < parseQuantity(storage.size) &&
        !expandable.has(spec?.storageClassName ?? ''),
    );
    if (stuck !== undefined) {
      return fail(
        'VolumesCannotGrow',
        `spec.${part}.storage.size: ${storage.size} is wanted, claim ${stuck.metadata.name} has ` +
          `${stuck.spec?.resources?.requests?.['storage'] ?? '0'}, and its class ${stuck.spec?.storageClassName ?? '(none)'} ` +
          'does not allow volumes to grow (allowVolumeExpansion)',
      );
    }
  }
  return PASS;
};
