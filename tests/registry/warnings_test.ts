import assert from "node:assert/strict";
import { RegistryClient, type RegistryWarning } from "../../src/registry/room.ts";
import { parseWarnings } from "../../src/registry/warnings.ts";

Deno.test("parseWarnings() ignores warnings that the specification does not allow", () => {
  const rows: [header: string, expected: string[]][] = [
    ['299 - "this tag will be gone soon"', ["this tag will be gone soon"]],
    ['299 - "one", 299 - "two, with a comma"', ["one", "two, with a comma"]],
    ['299 - "a \\"quoted\\" word"', ['a "quoted" word']],
    ['299 - "with a date" "Tue, 15 Nov 1994 08:12:31 GMT"', []],
    ['199 - "another code"', []],
    ['299 example.com "another agent"', []],
    ["299 - unquoted", []],
    ['299 - "\u001b[31mred\u001b[0m\nand more"', ["[31mred [0m and more"]],
    ['299 - ""', []],
    ["", []],
    [`299 - "${"x".repeat(5000)}"`, []],
  ];
  for (const [header, expected] of rows) assert.deepEqual(parseWarnings(header), expected, header);
});

Deno.test("each warning of a registry is reported once, up to a limit", async () => {
  let count = 0;
  const fetch = (request: Request) => {
    const text = request.url.endsWith("/v2/") ? "hello" : `number ${Math.floor(count++ / 2)}`;
    return Promise.resolve(
      new Response(null, {
        status: 404 - (request.url.endsWith("/v2/") ? 204 : 0),
        headers: { warning: `299 - "${text}"` },
      }),
    );
  };
  const told: RegistryWarning[] = [];
  const client = new RegistryClient("r.example", { fetch, onWarning: (warning) => told.push(warning) });
  for (let i = 0; i < 100; i++) await client.repository("app").headManifest("1");
  assert.deepEqual(told.slice(0, 2), [{ host: "r.example", text: "hello" }, { host: "r.example", text: "number 0" }]);
  assert.equal(told.length, 32);
});
