// Checks of the engines' versions, by the images' tags: supported at all, and no way back for data that a newer version wrote.
import type { Pod } from '../../kube/types.ts';
import { fail, PASS } from './check.ts';
import type { Check } from './check.ts';

type EngineName = 'mysql' | 'postgresql' | 'cassandra' | 'haproxy';
type Version = readonly [major: number, minor: number];

interface Support {
  /** Both inclusive. Where no minor version is given, all of that major one are meant. */
  readonly from: string;
  readonly to: string;
  /** Does an older version refuse or harm what a newer one wrote? */
  readonly data: boolean;
  /** May the major version change by changing the image? */
  readonly majorUpgrade: boolean;
}

/** The images that docs/reference.md names as supported. */
export const SUPPORTED: Readonly<Record<EngineName, Support>> = {
  mysql: { from: '8.4', to: '9.7', data: true, majorUpgrade: true },
  // The data directory's name and layout are those of 18; a major upgrade needs pg_upgrade.
  postgresql: { from: '18', to: '18', data: true, majorUpgrade: false },
  cassandra: { from: '4.1', to: '5', data: true, majorUpgrade: true },
  // 3.1 brought init-state: a worker takes nothing before its first check.
  haproxy: { from: '3.1', to: '3', data: false, majorUpgrade: true },
};

const ENGINES = Object.keys(SUPPORTED) as readonly EngineName[];

/** The version that an image's tag begins with: `9.7.1-oracle` is 9.7, `18` is 18 without a minor version. */
export function versionOf(image: string): string | undefined {
  return /:(\d+(?:\.\d+)?)[^/:@]*(?:@.*)?$/.exec(image)?.[1];
}

export const versionsSupported: Check = ({ cluster }) => {
  const faults = ENGINES.flatMap((engine) => {
    const image = cluster.spec.images[engine];
    const version = versionOf(image);
    const { from, to } = SUPPORTED[engine];
    if (version !== undefined && atLeast(version, from) && atLeast(to, version, true)) return [];
    return [
      `spec.images.${engine}: ${image} is not supported; ${from === to ? from : `${from} to ${to}`} is wanted`,
    ];
  });
  return faults.length === 0 ? PASS : fail('UnsupportedVersion', faults.join('; '));
};

export const noDowngrade: Check = ({ cluster, pods }) => {
  for (const engine of ENGINES.filter((name) => SUPPORTED[name].data)) {
    const wanted = versionOf(cluster.spec.images[engine]);
    for (const { pod, image } of running(pods, engine)) {
      const found = versionOf(image);
      if (found === undefined || wanted === undefined || atLeast(wanted, found, true)) continue;
      return fail(
        'Downgrade',
        `spec.images.${engine}: ${wanted} is older than ${found}, which ${pod} runs and whose data it cannot read back; ${found} or newer is wanted`,
      );
    }
  }
  return PASS;
};

export const noMajorUpgrade: Check = ({ cluster, pods }) => {
  for (const engine of ENGINES.filter((name) => !SUPPORTED[name].majorUpgrade)) {
    const wanted = versionOf(cluster.spec.images[engine]);
    for (const { pod, image } of running(pods, engine)) {
      const found = versionOf(image);
      if (found === undefined || wanted === undefined || parse(found)[0] === parse(wanted)[0]) continue;
      return fail(
        'MajorUpgrade',
        `spec.images.${engine}: ${pod} runs ${found}, and its data cannot be taken over by ${wanted}; a major upgrade by a change of the image is not supported`,
      );
    }
  }
  return PASS;
};

/** The containers of the parts are named after their engine. */
function running(pods: readonly Pod[], engine: EngineName): readonly { pod: string; image: string }[] {
  return pods.flatMap(({ metadata, spec }) =>
    (spec?.containers ?? [])
      .filter(({ name }) => name === engine)
      .map(({ image }) => ({ pod: metadata.name, image: image ?? '' })),
  );
}

/** @param loose a version without a minor one stands for the newest of its major one */
function atLeast(version: string, bound: string, loose = false): boolean {
  const [major, minor] = parse(version, loose ? Number.MAX_SAFE_INTEGER : 0);
  const [boundMajor, boundMinor] = parse(bound);
  return major > boundMajor || (major === boundMajor && minor >= boundMinor);
}

function parse(version: string, missingMinor = 0): Version {
  const [major = '0', minor] = version.split('.');
  return [Number(major), minor === undefined ? missingMinor : Number(minor)];
}
