import { VERSION } from "../internal/room.ts";
import type { Endpoint } from "./endpoint.ts";
import type { Route, Routes } from "./handler.ts";
import type { Schema } from "./request_fields.ts";

const TEXT: Schema = { type: "string" };
const TEXTS: Schema = { type: "array", items: TEXT };
const COUNT: Schema = { type: "integer", minimum: 0 };
const TIME: Schema = { type: "string", format: "date-time" };
const DIGEST: Schema = { type: "string", pattern: "^[a-z0-9]+:[0-9a-f]+$" };

/** An object of which only the required members are certain. */
function object(required: Readonly<Record<string, Schema>>, others: Readonly<Record<string, Schema>> = {}): Schema {
  return { type: "object", required: Object.keys(required), properties: { ...required, ...others } };
}

function map(values: Schema): Schema {
  return { type: "object", additionalProperties: values };
}

function refer(name: string): Schema {
  return { $ref: `#/components/schemas/${name}` };
}

const PUSH = { digest: DIGEST, reference: TEXT, mediaType: TEXT, instances: map(DIGEST) };
const NAME = object(
  { reference: TEXT, state: { enum: ["written", "unchanged", "planned", "failed", "skipped"] } },
  { digest: DIGEST, previous: { type: ["string", "null"] }, error: TEXT },
);

/** Schemas of the answers, by the names that endpoints use. */
const SCHEMAS: Readonly<Record<Endpoint["answer"] | "Error" | "RunList", Schema>> = {
  Error: object({
    error: object({ code: TEXT, message: TEXT, requestId: TEXT }, { published: { type: "array", items: NAME } }),
  }),
  Push: object(PUSH, { unchanged: { type: "boolean" } }),
  Composition: object(PUSH, { unchanged: { type: "boolean" }, published: { type: "array", items: NAME } }),
  Inspection: object({
    digest: DIGEST,
    mediaType: TEXT,
    instances: { type: "array", items: object({ digest: DIGEST }) },
  }),
  Validation: object({
    digest: DIGEST,
    images: COUNT,
    blobs: COUNT,
    problems: { type: "array", items: { type: "object" } },
    unchecked: { type: "array", items: { type: "object" } },
  }),
  Run: object({
    target: TEXT,
    run: TEXT,
    state: { enum: ["collecting", "publishing", "published", "failed", "superseded", "ended"] },
    expected: TEXTS,
    missing: TEXTS,
    reports: map(TEXT),
    reporters: map(object({ by: TEXT, at: TIME })),
    began: TIME,
    expires: TIME,
  }, {
    tags: TEXTS,
    digest: DIGEST,
    leaseUntil: TIME,
    superseded: TEXTS,
    error: object({ code: TEXT, message: TEXT }),
  }),
  RunList: object({ runs: { type: "array", items: refer("Run") } }, { next: TEXT }),
  RunOrList: { oneOf: [refer("Run"), refer("RunList")] },
};

/** Status codes of errors, and when they are answered. */
const ERRORS: Readonly<Record<string, string>> = {
  400: "The request is malformed.",
  401: "The bearer token is missing, unknown, invalid or expired.",
  403: "The caller has no permission for this.",
  404: "An image or a run does not exist.",
  408: "The body took too long to arrive.",
  409: "The request contradicts the run, or another writer has changed the tag.",
  411: "The body is missing.",
  413: "The body is too large.",
  415: "The body is not JSON in UTF-8.",
  422: "An image is not what it should be.",
  429: "The caller has sent too many requests, or has too many unfinished runs.",
  500: "The service failed.",
  502: "The registry failed, or refused the service.",
  503: "Too many requests are in progress, or the database cannot be reached.",
  504: "The work took too long.",
};

/** Describes all requests as an OpenAPI 3.1 document, from the tables that check them. */
export function describeRoutes(routes: Routes, base: string): unknown {
  const paths = Object.entries(routes).map(([action, route]) => [`${base}${action}`, describeRoute(action, route)]);
  const pages = [
    ["healthz", "Returns 200 if the service is alive."],
    ["readyz", "Returns 200 if the service is ready, 503 if its database cannot be reached."],
    ["openapi.json", "Returns this document."],
  ].map(([path, summary]) => [`${base}${path}`, { get: describePage(path!, summary!) }]);
  return {
    openapi: "3.1.0",
    info: { title: "Publishing of multi-arch indexes", version: VERSION },
    security: [{ bearer: [] }],
    paths: Object.fromEntries([...paths, ...pages]),
    components: {
      schemas: SCHEMAS,
      securitySchemes: { bearer: { type: "http", scheme: "bearer" } },
    },
  };
}

function describeRoute(action: string, route: Route): Schema {
  const methods = Object.entries(route).map(([method, endpoint]) => [
    method.toLowerCase(),
    {
      operationId: `${method.toLowerCase()}-${action}`,
      summary: endpoint.summary,
      ...describeFields(method, endpoint),
      responses: { 200: answer("The request is done.", refer(endpoint.answer)), ...describeErrors(method) },
    },
  ]);
  return Object.fromEntries(methods);
}

function describeFields(method: string, { fields }: Endpoint): Schema {
  const entries = Object.entries(fields);
  if (method === "POST") {
    const schema = {
      type: "object",
      required: entries.filter(([, field]) => field.isRequired).map(([name]) => name),
      additionalProperties: false,
      properties: Object.fromEntries(entries.map(([name, { schema }]) => [name, schema])),
    };
    return { requestBody: { required: true, content: { "application/json": { schema } } } };
  }
  return {
    parameters: entries.map(([name, { isRequired, schema }]) => ({ name, in: "query", required: isRequired, schema })),
  };
}

function describePage(path: string, summary: string): Schema {
  const responses = {
    200: answer(summary, { type: "object" }),
    ...(path === "readyz" ? { 503: answer(ERRORS[503]!, refer("Error")) } : {}),
  };
  return { operationId: `get-${path}`, summary, security: [], responses };
}

function describeErrors(method: string): Schema {
  const isAboutBody = (status: string) => ["408", "411", "413", "415"].includes(status);
  const entries = Object.entries(ERRORS).filter(([status]) => method === "POST" || !isAboutBody(status));
  return Object.fromEntries(entries.map(([status, text]) => [status, answer(text, refer("Error"))]));
}

function answer(description: string, schema: Schema): Schema {
  const headers = { "x-request-id": { description: "Id of the request, for the log.", schema: TEXT } };
  return { description, headers, content: { "application/json": { schema } } };
}
