// Turns whatever a handler throws into a problem document, and tells the client no more than it may know.
import type { FastifyError, FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { messageOf, SpaceClusterError } from '../../errors.ts';
import type { Logger } from '../../log.ts';
import { problem, PROBLEM_TYPE, RequestError } from './problem.ts';
import type { FieldError } from './problem.ts';

export function answerProblems(app: FastifyInstance, log: Logger): void {
  app.setNotFoundHandler((request, reply) =>
    refuse(request, reply, 404, `there is no ${request.method} ${pathOf(request)}`),
  );
  app.setErrorHandler<FastifyError>((error, request, reply) => {
    if (error instanceof RequestError) {
      void reply.headers(error.headers);
      return refuse(request, reply, error.status, error.message, error.errors);
    }
    if (error.validation !== undefined) {
      return refuse(request, reply, 400, `the request is not valid: ${error.message}`, fieldErrors(error));
    }
    // Fastify's own refusals: a body that is no JSON, too large, of an unknown type.
    if (error.statusCode !== undefined && error.statusCode < 500) {
      return refuse(request, reply, error.statusCode, error.message);
    }
    log.error('request failed', {
      method: request.method,
      path: pathOf(request),
      error: messageOf(error),
      code: error.code,
      stack: error.stack,
    });
    // Ours are written to be read; a driver's may carry what is none of the client's business.
    if (error instanceof SpaceClusterError) {
      void reply.header('Retry-After', '1');
      return refuse(request, reply, 503, error.message);
    }
    return refuse(request, reply, 500, 'an error inside the worker; its log says more');
  });
}

function refuse(
  request: FastifyRequest,
  reply: FastifyReply,
  status: number,
  detail: string,
  errors: readonly FieldError[] = [],
): FastifyReply {
  return reply
    .code(status)
    .type(PROBLEM_TYPE)
    .serializer(JSON.stringify)
    .send(problem(status, detail, pathOf(request), errors));
}

function fieldErrors(error: FastifyError): readonly FieldError[] {
  return (error.validation ?? []).map(({ instancePath, params, message }) => {
    const missing = params['missingProperty'] ?? params['additionalProperty'];
    const suffix = typeof missing === 'string' ? `/${missing}` : '';
    return {
      field: `${error.validationContext ?? 'body'}${instancePath}${suffix}`,
      detail: message ?? 'is not valid',
    };
  });
}

/** Without the query, which may carry what belongs in no log. */
function pathOf(request: FastifyRequest): string {
  return request.url.split('?')[0] ?? request.url;
}
