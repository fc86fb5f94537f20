/** The JSON Schema and the check of files are made from one table: they must agree about every document. */
import { Ajv } from "ajv";
import assert from "node:assert/strict";
import { parse } from "yaml";
import { createReleaseSchema, parseReleaseFile } from "../../src/release/room.ts";
import { INVALID_FILES, VALID_FILES } from "./files.ts";

const validate = new Ajv({ allErrors: true, strict: true, strictRequired: false, allowUnionTypes: true }).compile(
  createReleaseSchema(),
);

Deno.test("the schema accepts the files that are valid", async () => {
  for (const [name, text] of Object.entries(VALID_FILES)) {
    assert.ok(validate(parse(text, { merge: true })), `${name}: ${JSON.stringify(validate.errors)}`);
    await parseReleaseFile(text, { variables: text.includes("${VERSION}") ? { VERSION: "1.2.3" } : {} });
  }
});

Deno.test("the file of docs/release.md is valid", async () => {
  const page = await Deno.readTextFile(new URL("../../docs/release.md", import.meta.url));
  const [, text] = /^```yaml\n(.*?)^```$/ms.exec(page)!;
  assert.ok(validate(parse(text!)), JSON.stringify(validate.errors));
  const { releases } = await parseReleaseFile(text!, { variables: { VERSION: "1.2.3" } });
  assert.deepEqual(releases.map(({ name }) => name), ["api", "web"]);
});

Deno.test("the schema rejects what the check rejects by its form", async () => {
  for (const { text, formless = false } of INVALID_FILES) {
    await assert.rejects(parseReleaseFile(text), { code: "CONFIG_FILE_INVALID" }, text);
    if (!formless) assert.ok(!validate(parse(text, { merge: true, uniqueKeys: false, logLevel: "silent" })), text);
  }
});

Deno.test("every key of the schema has a description and, but for $schema, an example that the schema accepts", () => {
  const visit = (schema: Record<string, unknown>, path: string) => {
    for (const member of Object.values(schema.properties ?? {}) as Record<string, unknown>[]) visit(member, path);
    const inner = [schema.items, schema.additionalProperties, ...(schema.oneOf as unknown[] ?? [])];
    for (const part of inner) {
      if (typeof part === "object" && part && "type" in part) visit(part as typeof schema, path);
    }
    for (const [key, member] of Object.entries(schema.properties ?? {})) {
      const { description, examples } = member as { description?: string; examples?: unknown[] };
      assert.ok(description, `${path}.${key}`);
      if (key === "$schema") continue;
      assert.ok(examples?.length, `${path}.${key} has no example`);
      const check = new Ajv({ strict: true, strictRequired: false, allowUnionTypes: true }).compile(member as object);
      for (const example of examples) {
        assert.ok(check(example), `${key}: ${JSON.stringify(example)}: ${JSON.stringify(check.errors)}`);
      }
    }
  };
  visit(createReleaseSchema(), "");
});

Deno.test("the schema of the package is the one that the table makes: manifests release schema > src/release/release.v1.json", async () => {
  const shipped = await Deno.readTextFile(new URL("../../src/release/release.v1.json", import.meta.url));
  assert.equal(shipped, `${JSON.stringify(createReleaseSchema(), undefined, 2)}\n`);
});
