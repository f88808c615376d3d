// /user-management/users: the users of the application. For administrators.
import type { FastifyInstance } from 'fastify';
import { hashPassword } from '../../auth/passwords.ts';
import { ROLES } from '../../auth/principal.ts';
import type { Role } from '../../auth/principal.ts';
import type { User } from '../../auth/users.ts';
import { LIST_PARAMETERS_SCHEMA, parseListQuery } from '../../http/list-query.ts';
import type { ListParameters } from '../../http/list-query.ts';
import { pageOf, pageSchema } from '../../http/page.ts';
import type { UsersDependencies } from './application.ts';

const PATH = '/user-management/users';
const FIELDS = ['name', 'role', 'disabled', 'createdAt'] as const;

interface NewUser {
  readonly name: string;
  readonly role: Role;
  readonly password: string;
}

interface ChangedUser {
  readonly role?: Role;
  readonly disabled?: boolean;
  readonly password?: string;
}

export function registerUsers(
  app: FastifyInstance,
  { users, authenticator, signal }: UsersDependencies,
): void {
  const config = { access: 'administrator' } as const;
  const tags = ['users'];

  app.get<{ Querystring: ListParameters }>(
    PATH,
    {
      config,
      schema: {
        summary: 'List users',
        tags,
        querystring: LIST_PARAMETERS_SCHEMA,
        response: { 200: pageSchema(USER_SCHEMA) },
      },
    },
    async (request) => {
      const query = parseListQuery(request.query, FIELDS);
      return pageOf((await users.list(signal)).map(view), query, valueOf);
    },
  );

  app.post<{ Body: NewUser }>(
    PATH,
    {
      config,
      schema: { summary: 'Create a user', tags, body: NEW_USER_SCHEMA, response: { 201: USER_SCHEMA } },
    },
    async (request, reply) => {
      const { name, role, password } = request.body;
      const user = await users.create(name, role, await hashPassword(password), signal);
      return reply
        .code(201)
        .header('Location', `/api/space${PATH}/${encodeURIComponent(name)}`)
        .send(view(user));
    },
  );

  app.get<{ Params: { readonly name: string } }>(
    `${PATH}/:name`,
    { config, schema: { summary: 'Read a user', tags, params: NAME_SCHEMA, response: { 200: USER_SCHEMA } } },
    async (request) => view(await users.get(request.params.name, signal)),
  );

  app.patch<{ Params: { readonly name: string }; Body: ChangedUser }>(
    `${PATH}/:name`,
    {
      config,
      schema: {
        summary: 'Change a user; a new password ends their sessions',
        tags,
        params: NAME_SCHEMA,
        body: CHANGED_USER_SCHEMA,
        response: { 200: USER_SCHEMA },
      },
    },
    async (request) => {
      const { password, ...change } = request.body;
      const passwordHash = password === undefined ? {} : { passwordHash: await hashPassword(password) };
      const user = await users.change(request.params.name, { ...change, ...passwordHash }, signal);
      authenticator.forget();
      return view(user);
    },
  );

  app.delete<{ Params: { readonly name: string } }>(
    `${PATH}/:name`,
    {
      config,
      schema: { summary: 'Remove a user', tags, params: NAME_SCHEMA, response: { 204: { type: 'null' } } },
    },
    async (request, reply) => {
      await users.remove(request.params.name, signal);
      authenticator.forget();
      return reply.code(204).send();
    },
  );
}

interface UserView {
  readonly name: string;
  readonly role: Role;
  readonly disabled: boolean;
  readonly createdAt: string;
}

function view({ createdAt, ...user }: User): UserView {
  return { ...user, createdAt: createdAt.toISOString() };
}

function valueOf(user: UserView, field: string): string | boolean | undefined {
  const known = FIELDS.find((each) => each === field);
  return known === undefined ? undefined : user[known];
}

const NAME = { type: 'string', pattern: '^[A-Za-z0-9._@-]{1,64}$' } as const;
const PASSWORD = { type: 'string', minLength: 8, maxLength: 256 } as const;
const ROLE = { type: 'string', enum: ROLES } as const;

const NAME_SCHEMA = { type: 'object', required: ['name'], properties: { name: NAME } } as const;

const USER_SCHEMA = {
  type: 'object',
  required: ['name', 'role', 'disabled', 'createdAt'],
  properties: {
    name: NAME,
    role: ROLE,
    disabled: { type: 'boolean' },
    createdAt: { type: 'string', format: 'date-time' },
  },
} as const;

const NEW_USER_SCHEMA = {
  type: 'object',
  required: ['name', 'role', 'password'],
  additionalProperties: false,
  properties: { name: NAME, role: ROLE, password: PASSWORD },
} as const;

const CHANGED_USER_SCHEMA = {
  type: 'object',
  minProperties: 1,
  additionalProperties: false,
  properties: { role: ROLE, disabled: { type: 'boolean' }, password: PASSWORD },
} as const;
