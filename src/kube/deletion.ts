// Deletions by who may be late: an object that is gone, or that another has followed under its name, is no failure.
import { isConflict, isNotFound } from '../errors.ts';

/**
 * @returns false when the object had gone already, or is not the one of the given uid any more: what stands there is judged anew
 * @throws what the call throws otherwise
 */
export async function wasDeleted(deletion: Promise<void>): Promise<boolean> {
  try {
    await deletion;
    return true;
  } catch (error) {
    if (!isNotFound(error) && !isConflict(error)) throw error;
    return false;
  }
}
