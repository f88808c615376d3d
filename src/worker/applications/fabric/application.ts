// The fabric application: GET /fabric-management/fabric-nodes.
import type { FastifyInstance } from 'fastify';
import { LIST_PARAMETERS_SCHEMA, parseListQuery } from '../../http/list-query.ts';
import type { ListParameters } from '../../http/list-query.ts';
import { pageOf, pageSchema } from '../../http/page.ts';
import type { Application } from '../application.ts';
import { fabricNodes } from './nodes.ts';
import type { FabricFacts } from './nodes.ts';

const FIELDS = ['name', 'component', 'role', 'status', 'node'] as const;

/** @param facts what is seen of the fabric now */
export function fabricApplication(facts: () => FabricFacts): Application {
  return {
    name: 'fabric',
    migrations: [],
    routes(app: FastifyInstance) {
      app.get<{ Querystring: ListParameters }>(
        '/fabric-management/fabric-nodes',
        {
          config: { access: 'viewer' },
          schema: {
            summary: 'List the members of the fabric',
            tags: ['fabric'],
            querystring: LIST_PARAMETERS_SCHEMA,
            response: { 200: pageSchema(NODE_SCHEMA) },
          },
        },
        (request) =>
          pageOf(fabricNodes(facts()), parseListQuery(request.query, FIELDS), (node, field) => {
            const known = FIELDS.find((each) => each === field);
            return known === undefined ? undefined : node[known];
          }),
      );
    },
    run: () => Promise.resolve(),
    missing: () => undefined,
  };
}

const NODE_SCHEMA = {
  type: 'object',
  required: FIELDS,
  properties: {
    name: { type: 'string', description: 'the pod' },
    component: {
      type: 'string',
      enum: ['loadbalancer', 'worker', 'mysql', 'postgresql', 'cassandra'],
    },
    role: { type: 'string', enum: ['active', 'standby', 'primary', 'member', 'worker'] },
    status: { type: 'string', enum: ['UP', 'DOWN', 'UNKNOWN'] },
    node: { type: 'string', description: 'the Kubernetes node; empty while unknown' },
  },
} as const;
