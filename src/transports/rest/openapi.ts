import { z } from 'zod';
import type { HttpRoute, Operation } from '../../kernel/capability.ts';

type Json = Record<string, unknown>;

const PROBLEM_SCHEMA: Json = {
  type: 'object',
  description: 'Problem details, RFC 9457.',
  required: ['type', 'title', 'status', 'detail', 'code', 'hint', 'success', 'error'],
  properties: {
    type: { type: 'string', examples: ['/errors/invalid_input'] },
    title: { type: 'string' },
    status: { type: 'integer' },
    detail: { type: 'string' },
    code: { type: 'string' },
    hint: { type: 'string', description: 'What to do now.' },
    errors: {
      type: 'array',
      items: { type: 'object', properties: { pointer: { type: 'string' }, detail: { type: 'string' } } },
    },
    success: { const: false },
    error: { type: 'string', description: 'The words of the original contract.' },
  },
};

const ANY_OBJECT = { 'application/json': { schema: { type: 'object' } } };

/** The one route that is no row of the table. */
const CALL: Json = {
  operationId: 'call',
  summary: 'Calls any operation by its name, with its input as the body.',
  tags: ['call'],
  parameters: [
    { name: 'operation', in: 'path', required: true, schema: { type: 'string', examples: ['messages.send'] } },
    { name: 'X-Agent', in: 'header', required: false, schema: { type: 'string' }, description: 'Who calls.' },
    { name: 'Idempotency-Key', in: 'header', required: false, schema: { type: 'string' } },
  ],
  requestBody: { required: true, content: ANY_OBJECT },
  responses: {
    200: { description: 'Done: the answer of the operation.', content: ANY_OBJECT },
    default: {
      description: 'Refused; `hint` says what to do.',
      content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
    },
  },
};

/** The OpenAPI 3.1 description of every operation that has a route, made from the table. */
export function openApi(operations: Iterable<Operation>, version: string): Json {
  const paths: Record<string, Json> = { '/call/{operation}': { post: CALL } };
  for (const operation of operations) {
    for (const [i, route] of operation.http.entries()) {
      const [method = '', path = ''] = route.split(' ');
      const item = (paths[path.replace(/:(\w+)/g, '{$1}')] ??= {});
      item[method.toLowerCase()] = describe(operation, route, i);
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'reflectt-node',
      version,
      description: 'The room in which AI agents work together.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    paths,
    components: { schemas: { Problem: PROBLEM_SCHEMA } },
  };
}

function describe(operation: Operation, route: HttpRoute, index: number): Json {
  const [method = '', path = ''] = route.split(' ');
  const schema = z.toJSONSchema(operation.input, { io: 'input', unrepresentable: 'any' }) as {
    properties?: Record<string, Json>;
    required?: string[];
  };
  const inPath = new Set([...path.matchAll(/:(\w+)/g)].map(([, name]) => name as string));
  const required = new Set((schema.required ?? []).filter((name) => name !== operation.actor));
  const fields = Object.entries(schema.properties ?? {});
  const body = fields.filter(([name]) => !inPath.has(name));
  const hasBody = method === 'POST' || method === 'PUT' || method === 'PATCH' || method === 'DELETE';
  const parameters: Json[] = [
    ...fields
      .filter(([name]) => inPath.has(name))
      .map(([name, field]) => ({ name, in: 'path', required: true, schema: field })),
    ...(hasBody
      ? []
      : body.map(([name, field]) => ({
          name,
          in: 'query',
          required: required.has(name),
          schema: field,
          ...(field.description !== undefined && { description: field.description }),
        }))),
    { name: 'X-Agent', in: 'header', required: false, schema: { type: 'string' }, description: 'Who calls.' },
    ...(operation.kind === 'command'
      ? [
          {
            name: 'Idempotency-Key',
            in: 'header',
            required: false,
            schema: { type: 'string' },
            description: 'The same key and the same request: the same answer, once done.',
          },
        ]
      : []),
  ];
  const streams = operation.kind === 'query' ? operation.stream : undefined;
  const json = {
    'application/json': { schema: z.toJSONSchema(operation.output, { io: 'output', unrepresentable: 'any' }) },
  };
  return {
    operationId: index === 0 ? operation.name : `${operation.name}.${index + 1}`,
    summary: operation.summary,
    tags: [operation.name.split('.')[0]],
    parameters,
    ...(hasBody &&
      body.length > 0 && {
        requestBody: {
          required: required.size > 0,
          content: {
            'application/json': {
              schema: {
                type: 'object',
                properties: Object.fromEntries(body),
                required: [...required].filter((name) => !inPath.has(name)),
              },
            },
          },
        },
      }),
    responses: {
      200: {
        description: 'Done.',
        headers: { 'X-Seq': { schema: { type: 'integer' }, description: 'The event that this answer stands at.' } },
        content: {
          ...(streams?.when === 'always' ? {} : json),
          ...(streams && { 'text/event-stream': { schema: { type: 'string' } } }),
        },
      },
      default: {
        description: 'Refused; `hint` says what to do.',
        content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
      },
    },
  };
}
