// What an application of the worker is: a module that brings its schema, its routes and its background work.
import type { FastifyInstance, FastifyRequest } from 'fastify';
import type { Access, Principal } from '../auth/principal.ts';
import type { Migration } from '../database/migrations.ts';

export interface Application {
  /** Names its migrations and log lines. */
  readonly name: string;
  /** In the order in which they are applied. */
  readonly migrations: readonly Migration[];
  /** Registers routes; the paths given are below `/api/space`. Each route says in its config who may call it. */
  routes(app: FastifyInstance): void;
  /** Background work until `signal` is aborted. Never throws. */
  run(signal: AbortSignal): Promise<void>;
  /** Why the application cannot serve now; undefined when it can. */
  missing(): string | undefined;
}

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Who may call the route. A route without it is refused at start. */
    access?: Access;
  }
  interface FastifyRequest {
    /** Set on every route that is not public. */
    principal: Principal | undefined;
  }
}

/** The caller of a route that is not public. */
export function principalOf(request: FastifyRequest): Principal {
  if (request.principal === undefined) throw new TypeError('a public route has no principal');
  return request.principal;
}
