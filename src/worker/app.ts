// The HTTP application: TLS, who may call what, the OpenAPI document, probes. Applications plug in their routes.
import { createServer } from 'node:https';
import type { Server } from 'node:https';
import cookie from '@fastify/cookie';
import swagger from '@fastify/swagger';
import { fastify } from 'fastify';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { ConfigError } from '../errors.ts';
import type { Logger } from '../log.ts';
import type { Application } from './applications/application.ts';
import type { Authenticator } from './auth/authenticator.ts';
import { mayAccess } from './auth/principal.ts';
import { SESSION_COOKIE } from './auth/sessions.ts';
import { csrfRefusal } from './http/csrf.ts';
import { answerProblems } from './http/errors.ts';
import { openapi } from './http/openapi.ts';
import { RequestError } from './http/problem.ts';
import type { Readiness } from './readiness.ts';
import type { ServerCertificate } from './settings.ts';

export interface AppOptions {
  /** The pod: every reply names it in `X-Space-Node`. */
  readonly node: string;
  readonly version: string;
  readonly certificate: ServerCertificate;
  readonly applications: readonly Application[];
  readonly authenticator: Authenticator;
  readonly readiness: () => Readiness;
  readonly log: Logger;
  /** Aborted when the worker ends. */
  readonly signal: AbortSignal;
}

export interface App {
  readonly fastify: FastifyInstance;
  /** New connections get this certificate; open ones keep theirs. */
  renew(certificate: ServerCertificate): void;
}

const PREFIX = '/api/space';
const BODY_LIMIT = 1024 * 1024;
/** Longer than the balancer keeps its idle connections: it closes them first, so that none dies under a request. */
const KEEP_ALIVE_MS = 75_000;
const TLS = { minVersion: 'TLSv1.2' } as const;

export async function createApp(options: AppOptions): Promise<App> {
  const servers: Server[] = [];
  const app: FastifyInstance = fastify({
    serverFactory: (handler) => {
      const server = createServer({ ...options.certificate, ...TLS }, handler);
      server.keepAliveTimeout = KEEP_ALIVE_MS;
      servers.push(server);
      return server;
    },
    bodyLimit: BODY_LIMIT,
    // One hop: the balancer. What a client puts into X-Forwarded-For itself is not believed.
    trustProxy: (_address: string, hop: number) => hop === 0,
    ajv: { customOptions: { allErrors: true, removeAdditional: false } },
  });
  app.decorateRequest('principal', undefined);
  app.addHook('onRequest', async (_request, reply) => {
    void reply.header('X-Space-Node', options.node);
  });
  answerProblems(app, options.log);
  await app.register(cookie);
  await app.register(swagger, openapi(options.version));
  guard(app, options);
  await app.register(
    async (instance) => {
      for (const application of options.applications) application.routes(instance);
    },
    { prefix: PREFIX },
  );
  registerOwnRoutes(app, options);
  await app.ready();
  return {
    fastify: app,
    renew: (certificate) => {
      for (const server of servers) server.setSecureContext({ ...certificate, ...TLS });
    },
  };
}

/** Every route says who may call it, and nobody else does. */
function guard(app: FastifyInstance, { authenticator, signal }: AppOptions): void {
  app.addHook('onRoute', ({ url, config }) => {
    if (config?.access === undefined) throw new ConfigError(`route ${url} does not say who may call it`);
  });
  app.addHook('onRequest', async (request) => {
    const { access } = request.routeOptions.config;
    // No route matched: there is nothing to guard.
    if (access === undefined) return;
    if (access === 'public') {
      refuseForgery(request);
      return;
    }
    const principal = await authenticator.identify(
      {
        authorization: request.headers.authorization,
        cookie: request.cookies[SESSION_COOKIE],
        address: request.ip,
      },
      signal,
    );
    if (principal.by === 'session') refuseForgery(request);
    if (!mayAccess(principal, access)) {
      throw new RequestError(403, `this needs the role ${access}; ${principal.name} is ${principal.role}`);
    }
    request.principal = principal;
  });
}

function refuseForgery({ method, headers }: FastifyRequest): void {
  const { host, origin, 'sec-fetch-site': site } = headers;
  const refusal = csrfRefusal({
    method,
    host,
    origin,
    secFetchSite: typeof site === 'string' ? site : undefined,
  });
  if (refusal !== undefined) throw new RequestError(403, refusal);
}

function registerOwnRoutes(app: FastifyInstance, { readiness }: AppOptions): void {
  const config = { access: 'public' } as const;
  const schema = { hide: true };
  // That this was answered shows that the event loop turns, and nothing else is worth a restart.
  app.get('/healthz', { config, schema }, () => ({ status: 'ok' }));
  app.get('/readyz', { config, schema }, async (_request, reply) => {
    const state = readiness();
    if (!state.ready) throw new RequestError(503, state.detail);
    return reply.send(state);
  });
  app.get('/api/openapi.json', { config, schema }, () => app.swagger());
}
