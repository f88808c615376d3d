// Who makes a request, and what each role may do. Pure.

/** Each level may do what the ones before it may. */
export const ROLES = ['viewer', 'operator', 'administrator'] as const;
export type Role = (typeof ROLES)[number];

/** What a route asks of its caller. */
export type Access = 'public' | Role;

export interface Principal {
  readonly name: string;
  readonly role: Role;
  /** A cookie is sent by the browser whoever asks, so it needs the CSRF check; an Authorization header is not. */
  readonly by: 'basic' | 'session';
}

export function isRole(value: unknown): value is Role {
  return ROLES.some((role) => role === value);
}

export function mayAccess(principal: Principal, access: Role): boolean {
  return ROLES.indexOf(principal.role) >= ROLES.indexOf(access);
}
