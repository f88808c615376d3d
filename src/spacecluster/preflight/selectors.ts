// Does a Kubernetes label selector match? Unlike a field that is not there, an empty selector matches everything.
import type { LabelSelector } from '../../kube/types.ts';

type Labels = Readonly<Record<string, string>>;

export function matches(selector: LabelSelector, labels: Labels = {}): boolean {
  return (
    Object.entries(selector.matchLabels ?? {}).every(([key, value]) => labels[key] === value) &&
    (selector.matchExpressions ?? []).every(({ key, operator, values = [] }) => {
      const value = labels[key];
      switch (operator) {
        case 'In':
          return value !== undefined && values.includes(value);
        case 'NotIn':
          return value === undefined || !values.includes(value);
        case 'Exists':
          return value !== undefined;
        case 'DoesNotExist':
          return value === undefined;
        default:
          return false;
      }
    })
  );
}

/** MetalLB's way: no selector at all, or any one that matches. */
export function anyMatches(selectors: readonly LabelSelector[] | undefined, labels: Labels = {}): boolean {
  return (
    selectors === undefined ||
    selectors.length === 0 ||
    selectors.some((selector) => matches(selector, labels))
  );
}
