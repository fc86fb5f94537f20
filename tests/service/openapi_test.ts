/** The OpenAPI document describes what the handler accepts and answers, no more and no less. */
import assert from "node:assert/strict";
import { Ajv2020 } from "ajv/dist/2020.js";
import { fanInTest, type FanInWorld, type Handler, PLATFORMS, TARGET } from "../support/fan_in.ts";
import { call, HOST } from "../support/handlers.ts";

// The sanitizers of Deno are off by default.
Deno.test.sanitizer({ ops: true, resources: true });

interface JsonSchema {
  type?: string;
  required?: string[];
  properties?: Record<string, JsonSchema>;
  maxLength?: number;
  maxItems?: number;
  maximum?: number;
}

interface Operation {
  security?: unknown[];
  requestBody?: { content: { "application/json": { schema: JsonSchema } } };
  parameters?: { name: string; required: boolean; schema: JsonSchema }[];
  responses: Record<string, { content: { "application/json": { schema: JsonSchema } } }>;
}

interface OpenApi {
  openapi: string;
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, JsonSchema> };
}

async function readDocument(handler: Handler): Promise<OpenApi> {
  return (await call(handler, "/openapi.json", { token: null })).body;
}

/** Creates a function that checks values by schemas of the document. */
function createValidator({ components }: OpenApi) {
  const ajv = new Ajv2020({ strict: false, validateFormats: false });
  return (schema: object, value: unknown): string => {
    const validate = ajv.compile({ ...schema, components });
    return validate(value) ? "" : ajv.errorsText(validate.errors);
  };
}

/** Sends an operation with these values. */
async function send(handler: Handler, path: string, method: string, values: Record<string, unknown>) {
  if (method === "post") return await call(handler, path, { body: values });
  const query = new URLSearchParams(Object.entries(values).map(([name, value]) => [name, String(value)]));
  return await call(handler, `${path}?${query}`, { method: method.toUpperCase() });
}

/** Returns the schema of all values of an operation. */
function schemaOf({ requestBody, parameters = [] }: Operation): JsonSchema {
  return requestBody?.content["application/json"].schema ?? {
    type: "object",
    required: parameters.filter(({ required }) => required).map(({ name }) => name),
    properties: Object.fromEntries(parameters.map(({ name, schema }) => [name, schema])),
  };
}

/** Valid values for each operation: every value of the document in at least one of them. */
function validValues(at: FanInWorld): [operation: string, values: Record<string, unknown>][] {
  const index = { target: `${HOST}/app:9`, sources: [`${HOST}/app:amd64`], all: true, attestations: true };
  const more = { platforms: ["linux/amd64"] };
  const [first, second, third] = PLATFORMS as [string, string, string];
  const { digest, ...report } = at.report(first, { tags: ["latest"], annotations: { a: "b" }, replace: false });
  const image = `${HOST}/app@${at.world.digests.get(third)}`;
  return [
    ["post /compose", { ...index, ...more, tags: ["10"], annotations: { a: "b" } }],
    ["post /append", { ...index, ...more, create: true }],
    ["post /inspect", { image: `${HOST}/app:9` }],
    ["post /validate", { image: `${HOST}/app:9` }],
    ["post /fan-in", { ...report, digest }],
    ["post /fan-in", { ...report, platform: undefined, platforms: [second], digest: at.world.digests.get(second) }],
    ["get /fan-in", { target: TARGET, after: "0", limit: 1 }],
    ["post /fan-in", { ...report, platform: third, image }],
    ["get /fan-in", { target: TARGET, run: "1" }],
    ["post /fan-in", { ...report, digest, run: "2" }],
    ["delete /fan-in", { target: TARGET, run: "2" }],
  ];
}

fanInTest("valid requests by the document are accepted, and answered by its schemas", async (at) => {
  const handler = at.handler();
  const document = await readDocument(handler);
  const validate = createValidator(document);
  const unused = new Set(
    Object.entries(document.paths).flatMap(([path, operations]) =>
      Object.entries(operations).flatMap(([method, operation]) =>
        Object.keys(schemaOf(operation).properties ?? {}).map((name) => `${method} ${path} ${name}`)
      )
    ),
  );
  for (const [name, values] of validValues(at)) {
    const [method, path] = name.split(" ") as [string, string];
    const operation = document.paths[path]![method]!;
    const sent = JSON.parse(JSON.stringify(values));
    assert.equal(validate(schemaOf(operation), sent), "", name);
    const { status, body } = await send(handler, path, method, sent);
    assert.equal(status, 200, `${name}: ${JSON.stringify(body)}`);
    assert.equal(validate(operation.responses[200]!.content["application/json"].schema, body), "", name);
    for (const member of Object.keys(sent)) unused.delete(`${name} ${member}`);
  }
  assert.deepEqual([...unused], []);
});

/** Returns values that the schema of one value does not allow. */
function invalidValues(schema: JsonSchema): unknown[] {
  const { type, maxLength = 0, maxItems = 0, maximum = 0 } = schema;
  if (type === "string") return [1, "", "x".repeat(maxLength + 1)];
  if (type === "boolean") return ["true", 1];
  if (type === "integer") return [0, maximum + 1, 1.5];
  if (type === "object") return [[], { a: 1 }, { "": "x" }];
  return ["x", [], [1], [""], ["a", "a"], Array.from({ length: maxItems + 1 }, (_, i) => `x${i}`)];
}

fanInTest("requests that the document does not allow are refused", async (at) => {
  const handler = at.handler();
  const document = await readDocument(handler);
  const validate = createValidator(document);
  let count = 0;
  for (const [name, valid] of validValues(at)) {
    const [method, path] = name.split(" ") as [string, string];
    const schema = schemaOf(document.paths[path]![method]!);
    const bad: Record<string, unknown>[] = [
      { ...valid, unknown: "x" },
      ...schema.required!.map((name) => ({ ...valid, [name]: undefined })),
      // Texts of a query have no type.
      ...Object.entries(schema.properties!).flatMap(([name, property]) =>
        invalidValues(property).filter((value) => method === "post" || property.type !== "string" || value !== 1)
          .map((value) => ({ ...valid, [name]: value }))
      ),
    ];
    for (const values of bad.map((values) => JSON.parse(JSON.stringify(values)))) {
      if (method === "post") assert.notEqual(validate(schema, values), "", JSON.stringify(values));
      const { status, body } = await send(handler, path, method, values);
      assert.equal(status, 400, `${name} ${JSON.stringify(values).slice(0, 200)}`);
      assert.equal(validate(document.components.schemas.Error!, body), "");
      count++;
    }
  }
  assert.ok(count > 150, `${count}`);
  assert.deepEqual(await Array.fromAsync(at.kv.list({ prefix: [] })), []);
});

fanInTest("the document has exactly the paths and methods that the handler answers", async (at) => {
  for (const [handler, base] of [[at.handler(), "/"], [at.handler({ basePath: "/api" }), "/api/"]] as const) {
    const document: OpenApi = (await call(handler, `${base}openapi.json`, { token: null })).body;
    const names = ["compose", "append", "inspect", "validate", "fan-in", "healthz", "readyz", "openapi.json"];
    assert.deepEqual(Object.keys(document.paths), names.map((name) => base + name));
    for (const [path, operations] of Object.entries(document.paths)) {
      const { headers } = await call(handler, path, { method: "OPTIONS", token: null });
      const methods = headers.get("allow")!.split(", ").filter((method) => !["HEAD", "OPTIONS"].includes(method));
      assert.deepEqual(Object.keys(operations), methods.map((method) => method.toLowerCase()));
      for (const [method, { security, responses }] of Object.entries(operations)) {
        const init = { method: method.toUpperCase(), token: null, ...(method === "post" ? { body: {} } : {}) };
        const { status } = await call(handler, path, init);
        assert.equal(status, security ? 200 : 401);
        assert.ok(Object.hasOwn(responses, status), `${method} ${path} ${status}`);
      }
    }
  }
  const { paths } = await readDocument(at.world.handler());
  assert.ok(!Object.hasOwn(paths, "/fan-in"));
});
