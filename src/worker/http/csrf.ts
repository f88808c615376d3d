// Cross-site request forgery: may a request that is authenticated by nothing but the browser's cookie change something? Pure.

const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export interface CsrfFacts {
  readonly method: string;
  /** `Host` as the client sent it. */
  readonly host: string | undefined;
  readonly origin: string | undefined;
  readonly secFetchSite: string | undefined;
}

/**
 * Why the request is refused, or undefined. Browsers send `Sec-Fetch-Site` or at least `Origin` with every unsafe request,
 * and no page can forge or suppress them; a client that sends neither is no browser and has no foreign pages in it. The
 * cookie is SameSite=Strict besides.
 */
export function csrfRefusal(facts: CsrfFacts): string | undefined {
  if (SAFE_METHODS.has(facts.method)) return undefined;
  if (facts.secFetchSite !== undefined) {
    return facts.secFetchSite === 'same-origin' || facts.secFetchSite === 'none'
      ? undefined
      : `cross-site request (Sec-Fetch-Site: ${facts.secFetchSite})`;
  }
  if (facts.origin === undefined) return undefined;
  return facts.host !== undefined && facts.origin === `https://${facts.host}`
    ? undefined
    : `cross-site request (Origin: ${facts.origin.slice(0, 200)})`;
}
