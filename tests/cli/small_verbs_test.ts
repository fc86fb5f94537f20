/** `tags`, `digest`, `inspect` of exact bytes, `version` and `help`. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { compareNaturally, compareVersions } from "../../src/cli/format/natural_order.ts";
import { RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { manifestDigest } from "../../src/spec/room.ts";
import { CLI, cli, cliOk } from "../support/cli.ts";
import { clientOf, makeImage, pushImage } from "../support/images.ts";
import { serve } from "../support/registries.ts";

Deno.test("tags are sorted by the numbers in them, and versions by their precedence", () => {
  const rows: [order: typeof compareNaturally, tags: string[]][] = [
    [compareNaturally, ["1.9", "1.10", "2", "latest", "v1", "v2", "v9", "v10", "v10.1"]],
    [compareNaturally, ["20241231000000000001", "20241231000000000002", "a01", "a1", "a2"]],
    [compareVersions, ["edge", "latest", "v0.9", "1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta.2"]],
    [compareVersions, ["1.0.0-beta.2", "1.0.0-beta.11", "1.0.0-rc.1", "1.0.0", "1.0.1", "1.1", "1.10", "2"]],
  ];
  for (const [order, tags] of rows) assert.deepEqual(tags.toReversed().toSorted(order), tags);
  const tag = fc.stringMatching(/^[a-b0-2][a-b0-2.-]{0,5}$/);
  for (const order of [compareNaturally, compareVersions]) {
    fc.assert(fc.property(tag, tag, tag, (a, b, c) => {
      assert.equal(Math.sign(order(a, b)) + Math.sign(order(b, a)), 0);
      assert.equal(order(a, b) === 0, a === b);
      if (order(a, b) <= 0 && order(b, c) <= 0) assert.ok(order(a, c) <= 0);
    }));
  }
});

/** Runs our command line and returns the exact bytes that it printed. */
async function bytesOf(args: string[]): Promise<Uint8Array<ArrayBuffer>> {
  const [name, ...rest] = [...CLI, ...args] as [string, ...string[]];
  const { code, stdout, stderr } = await new Deno.Command(name, { args: rest, env: { NO_COLOR: "1" } }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return stdout as Uint8Array<ArrayBuffer>;
}

Deno.test("tags lists all pages, sorted and filtered", async () => {
  const inner = createRegistry({ storage: createMemoryStorage() });
  let pages = 0;
  // A registry that returns fewer names than it is asked for.
  await using registry = serve((request) => {
    const url = new URL(request.url);
    if (!url.pathname.endsWith("/tags/list")) return inner.fetch(request);
    pages++;
    url.searchParams.set("n", "3");
    return inner.fetch(new Request(url, request));
  });
  const repository = clientOf(registry.host).repository("app");
  const hidden = `sha256-${"a".repeat(64)}`;
  const names = ["v1", "v9", "v10", "v10-rc1", "latest", hidden, `${hidden}.sig`, "sha256-short"];
  let digest = "";
  for (const name of names) digest = await pushImage(repository, makeImage({ architecture: "amd64" }), name);
  const at = `${registry.host}/app`;
  const run = (...args: string[]) => cliOk(["tags", "--tls-verify=false", ...args, at]);
  assert.equal(await run(), ["latest", "sha256-short", "v1", "v9", "v10", "v10-rc1"].join("\n"));
  assert.ok(pages >= 3);
  assert.equal(await run("--match", "^v", "--sort=-semver", "--limit", "3"), "v10\nv10-rc1\nv9");
  const all = JSON.parse(await run("--all", "--exclude", "^v", "--format", "json"));
  assert.deepEqual(all, { repository: at, tags: ["latest", hidden, `${hidden}.sig`, "sha256-short"] });
  assert.equal(await run("--digests", "--match", "^v1$|latest"), `latest  ${digest}\nv1      ${digest}`);
  const rows: [args: string[], message: RegExp][] = [
    [["tags", "--tls-verify=false", `${registry.host}/none`], /does not exist or has no tags/],
    [["tags", `${at}:v1`], /write the repository without tag/],
    [["tags", "--sort", "size", at], /unknown order "size": choose one of natural, name, semver, registry/],
    [["tags", "--match", "(", at], /it must be a regular expression/],
    [["tags", "dir:folder"], /it is not in a registry/],
  ];
  for (const [args, message] of rows) {
    const { code, stdout, stderr } = await cli(args);
    assert.deepEqual([code, stdout], [125, ""], args.join(" "));
    assert.match(stderr, message);
  }
});

Deno.test("digest and inspect print exactly what the registry has", async () => {
  const inner = createRegistry({ storage: createMemoryStorage() });
  const methods: string[] = [];
  await using registry = serve((request) => {
    if (request.url.includes("/manifests/")) methods.push(request.method);
    return inner.fetch(request);
  });
  const repository = clientOf(registry.host).repository("app");
  const entries: string[] = [];
  const digests: string[] = [];
  for (const architecture of ["amd64", "arm64"]) {
    const digest = await pushImage(repository, makeImage({ architecture }), architecture);
    const { size, mediaType } = (await repository.headManifest(digest))!;
    digests.push(digest);
    entries.push(
      `{ "digest": "${digest}", "size": ${size}, "mediaType": "${mediaType}",\n` +
        `  "platform": {"architecture": "${architecture}", "os": "linux"} }`,
    );
  }
  // White space and members that no tool knows: every byte must be kept.
  const mediaType = "application/vnd.oci.image.index.v1+json";
  const text = `{"schemaVersion": 2, "x": 1.0,\n "mediaType": "${mediaType}", "manifests": [${entries}]}\n`;
  const bytes = new TextEncoder().encode(text);
  await repository.putManifest("1", bytes);
  const [at, flag] = [`${registry.host}/app:1`, "--tls-verify=false"];
  methods.length = 0;
  assert.equal(await cliOk(["digest", flag, at]), manifestDigest(bytes));
  assert.deepEqual(methods, ["HEAD"]);
  const arm = digests[1]!;
  assert.equal(await cliOk(["digest", flag, "--platform", "linux/arm64", at]), arm);
  assert.equal(await cliOk(["digest", flag, "--full-ref", at]), `${registry.host}/app@${manifestDigest(bytes)}`);
  assert.deepEqual(await bytesOf(["inspect", "--raw", flag, at]), bytes);
  const child = await repository.getManifest(arm);
  assert.deepEqual(await bytesOf(["inspect", "--raw", "--platform", "linux/arm64", flag, at]), child.bytes);
  const { config } = JSON.parse(new TextDecoder().decode(child.bytes));
  const configuration = await bytesOf(["inspect", "--config", "--platform", "linux/arm64", flag, at]);
  assert.equal(manifestDigest(configuration), config.digest);
  assert.deepEqual(JSON.parse(await cliOk(["inspect", "--platform", "linux/arm64", flag, at])).config, config);
  const rows: [args: string[], code: number, message: RegExp][] = [
    [["digest", flag, `${registry.host}/app:none`], 1, /Error: .*not found|404/],
    [
      ["digest", flag, "--platform", "linux/s390x", at],
      125,
      /Cannot select linux\/s390x from docker:\/\/.*: it has only linux\/amd64, linux\/arm64/,
    ],
    [
      ["digest", flag, "--platform", "linux/arm64", `${registry.host}/app@${digests[0]}`],
      125,
      /it is one image for linux\/amd64/,
    ],
    [["inspect", "--raw", "--config", flag, at], 125, /--raw cannot be used with --config/],
    [["inspect", "--config", flag, "--platform", "linux", at], 125, /platform/],
  ];
  for (const [args, code, message] of rows) {
    const result = await cli(args);
    assert.deepEqual([result.code, result.stdout], [code, ""], args.join(" "));
    assert.match(result.stderr, message);
  }
});

Deno.test("--platform descends into nested indexes", async () => {
  const inner = createRegistry({ storage: createMemoryStorage() });
  const client = new RegistryClient("registry.example", { fetch: inner.fetch });
  await using registry = serve(inner.fetch);
  const repository = client.repository("app");
  const image = await pushImage(repository, makeImage({ architecture: "riscv64" }), "riscv64");
  const mediaType = "application/vnd.oci.image.index.v1+json";
  const put = async (tag: string, manifests: unknown[]) =>
    await repository.putManifest(
      tag,
      new TextEncoder().encode(JSON.stringify({ schemaVersion: 2, mediaType, manifests })),
    );
  const platform = { os: "linux", architecture: "riscv64" };
  const inside = await put("inside", [{ ...(await repository.headManifest(image))!, platform }]);
  await put("nested", [(await repository.headManifest(inside))!]);
  const args = ["digest", "--tls-verify=false", "--platform", "linux/riscv64", `${registry.host}/app:nested`];
  assert.equal(await cliOk(args), image);
});

Deno.test("version names the tool, Deno and the system, and help exits with 0", async () => {
  const value = JSON.parse(await cliOk(["version", "--json"]));
  const { version } = JSON.parse(await Deno.readTextFile("deno.json"));
  assert.deepEqual([value.version, value.deno, value.os, value.arch], [
    version,
    Deno.version.deno,
    Deno.build.os,
    Deno.build.arch,
  ]);
  const lines = (await cliOk(["version"])).split("\n");
  assert.deepEqual(lines.map((line) => line.split(" ").slice(0, 2)), [
    ["manifests", version],
    ["deno", Deno.version.deno],
    ["system", Deno.build.os],
  ]);
  assert.match(await cliOk(["help"]), /^Registries and other places:$/m);
  assert.match(await cliOk(["help", "tags"]), /^List the tags of a repository/);
});
