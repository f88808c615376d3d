// POST /login and /logout: a session in MySQL, its id in a cookie that only this site's own pages send.
import type { FastifyInstance } from 'fastify';
import { SESSION_COOKIE } from '../../auth/sessions.ts';
import { principalOf } from '../application.ts';
import type { UsersDependencies } from './application.ts';

const COOKIE = { path: '/', httpOnly: true, secure: true, sameSite: 'strict' } as const;

interface LoginBody {
  readonly username: string;
  readonly password: string;
}

export function registerLogin(
  app: FastifyInstance,
  { authenticator, sessions, signal }: UsersDependencies,
): void {
  app.post<{ Body: LoginBody }>(
    '/login',
    {
      config: { access: 'public' },
      schema: {
        summary: 'Start a session',
        tags: ['users'],
        security: [],
        body: {
          type: 'object',
          required: ['username', 'password'],
          additionalProperties: false,
          properties: {
            username: { type: 'string', minLength: 1, maxLength: 64 },
            password: { type: 'string', minLength: 1, maxLength: 256 },
          },
        },
        response: { 200: SESSION_SCHEMA },
      },
    },
    async (request, reply) => {
      const { username, password } = request.body;
      const { name, role } = await authenticator.verify(username, password, request.ip, signal);
      void reply.setCookie(SESSION_COOKIE, await sessions.start(name, request.ip, signal), COOKIE);
      return { name, role };
    },
  );

  app.get(
    '/login',
    {
      config: { access: 'viewer' },
      schema: { summary: 'Who is logged in', tags: ['users'], response: { 200: SESSION_SCHEMA } },
    },
    (request) => {
      const { name, role } = principalOf(request);
      return { name, role };
    },
  );

  app.post(
    '/logout',
    {
      config: { access: 'viewer' },
      schema: { summary: 'End the session', tags: ['users'], response: { 204: { type: 'null' } } },
    },
    async (request, reply) => {
      const cookie = request.cookies[SESSION_COOKIE];
      if (cookie !== undefined) await sessions.end(cookie, signal);
      return reply.clearCookie(SESSION_COOKIE, COOKIE).code(204).send();
    },
  );
}

const SESSION_SCHEMA = {
  type: 'object',
  required: ['name', 'role'],
  properties: { name: { type: 'string' }, role: { type: 'string' } },
} as const;
