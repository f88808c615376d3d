// Phase: the objects of the five parts are what the spec says.
import { engines } from '../engines.ts';
import type { SpecInput } from '../../engines/engine.ts';
import type { Scope } from '../scope.ts';

/**
 * Leases and slices are created when missing and never touched again: they belong to the agents. All else is applied, which
 * also puts hand-made changes right.
 */
export async function ensureParts(scope: Scope, state: Readonly<Record<string, string>>): Promise<void> {
  const input: SpecInput = { cluster: scope.cluster, productImage: scope.settings.productImage };
  await Promise.all(
    engines.map(async (engine) => {
      for (const object of engine.presets(scope.cluster, state))
        await scope.applier.ensureCreated(object, scope.signal);
      for (const object of engine.specs(input)) await scope.applier.ensure(object, scope.signal);
    }),
  );
}
