// Which endpoint of a slice clients are sent to.
import type { Endpoint, EndpointSlice } from './types.ts';

/** The first that is ready, or does not say that it is not (discovery.k8s.io/v1). */
export function readyEndpoint({ endpoints }: EndpointSlice): Endpoint | undefined {
  return endpoints?.find(({ conditions }) => conditions?.ready !== false);
}
