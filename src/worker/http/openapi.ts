// The OpenAPI 3.1 document: made from the routes' own schemas, so that it cannot differ from what is checked.
import type { FastifyDynamicSwaggerOptions } from '@fastify/swagger';
import { PROBLEM_SCHEMA, PROBLEM_TYPE } from './problem.ts';

export function openapi(version: string): FastifyDynamicSwaggerOptions {
  return {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'SpaceCluster',
        version,
        description: `Errors are RFC 9457 problem documents (${PROBLEM_TYPE}).`,
        license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
      },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          basic: { type: 'http', scheme: 'basic' },
          session: { type: 'apiKey', in: 'cookie', name: 'SPACESESSION' },
        },
      },
      security: [{ basic: [] }, { session: [] }],
    },
    transform: ({ schema, url }) => ({ schema: withProblems(schema), url }),
  };
}

/** Each route may also answer a problem. Added to the document only: replies of errors are serialised as they are. */
function withProblems<S extends object | undefined>(schema: S): S {
  if (schema === undefined) return schema;
  const response = 'response' in schema && typeof schema.response === 'object' ? schema.response : {};
  const { $id: _, ...shape } = PROBLEM_SCHEMA;
  return {
    ...schema,
    response: {
      ...response,
      default: { description: 'Problem', content: { 'application/problem+json': { schema: shape } } },
    },
  };
}
