// Resident memory of each agent, by its own metrics.
import { mustKubectl } from '../test/integration/kubectl.ts';
import { FABRIC } from './fabric.ts';
import { mebibytes } from './measure.ts';
import type { Figure } from './measure.ts';

const AGENTS = ['mysql', 'postgresql', 'lb'].flatMap((part) =>
  [0, 1].map((ordinal) => `${FABRIC.name}-${part}-${ordinal}`),
);

export async function agentMemory(): Promise<Figure> {
  const sizes = await Promise.all(
    AGENTS.map(async (pod) => {
      const path = `/api/v1/namespaces/${FABRIC.namespace}/pods/${pod}:8081/proxy/metrics`;
      const metrics = await mustKubectl(['get', '--raw', path]);
      return { pod, bytes: Number(/^process_resident_memory_bytes (\S+)$/m.exec(metrics)?.[1]) };
    }),
  );
  return {
    what: 'agents: resident memory, the largest of six',
    reached: mebibytes(Math.max(...sizes.map(({ bytes }) => bytes))),
    wanted: 'under 62 MB each',
    how: sizes.map(({ pod, bytes }) => `${pod} ${mebibytes(bytes)}`).join(', '),
  };
}
