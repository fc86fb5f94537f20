/** `copy` to several destinations, of all tags, and with different access to the two sides. */
import assert from "node:assert/strict";
import { copyImage } from "../../mod.ts";
import { RegistryClient } from "../../src/registry/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { cli, cliOk } from "../support/cli.ts";
import { folderTest } from "../support/folders.ts";
import { makeImage, pushImage, pushPlatforms } from "../support/images.ts";
import { serve, startEmbedded } from "../support/registries.ts";

/** Starts a registry for one user that writes down the credentials that it is sent. */
function startPrivate(user: string) {
  const seen = new Set<string>();
  const storage = createMemoryStorage();
  const registry = createRegistry({ storage, access: { scheme: "basic", users: { [user]: "pass" } } });
  const open = new RegistryClient("registry.example", { fetch: createRegistry({ storage }).fetch });
  const server = serve((request) => {
    const basic = /^Basic (.*)$/.exec(request.headers.get("authorization") ?? "")?.[1];
    if (basic) seen.add(atob(basic));
    return registry.fetch(request);
  });
  return { ...server, seen, repository: open.repository("app") };
}

const amd64 = makeImage({ architecture: "amd64" });

Deno.test("credentials of one side are not sent to the other", async () => {
  await using source = startPrivate("reader");
  await using destination = startPrivate("writer");
  const digests = [];
  for (const architecture of ["amd64", "arm64"]) {
    digests.push(await pushImage(source.repository, makeImage({ architecture }), architecture));
  }
  const manifests = await Promise.all(digests.map(async (digest, i) => ({
    ...(await source.repository.headManifest(digest))!,
    platform: { os: "linux", architecture: ["amd64", "arm64"][i]! },
  })));
  const index = new TextEncoder().encode(
    JSON.stringify({ schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests }),
  );
  await source.repository.putManifest("1", index);
  const [from, to] = [`docker://${source.host}/app:1`, `docker://${destination.host}/app:1`];
  const insecure = { dockerInsecureSkipTlsVerify: true, retryDelay: 0 };
  const signaturePolicy = acceptAnything;
  const systemContext = { ...insecure, dockerAuthConfig: { username: "writer", password: "pass" } };
  const sourceContext = { ...insecure, dockerAuthConfig: { username: "reader", password: "pass" } };
  for (const platforms of [undefined, ["linux/amd64"]]) {
    await copyImage(from, to, { systemContext, sourceContext, signaturePolicy, platforms });
    // Without a context of its own, the source is read anonymously, which it refuses.
    await assert.rejects(copyImage(from, to, { systemContext, signaturePolicy, platforms }), { code: "UNAUTHORIZED" });
  }
  assert.deepEqual([[...source.seen], [...destination.seen]], [["reader:pass"], ["writer:pass"]]);
});

folderTest("copy takes flags for each side, and several destinations", async (folder) => {
  await using source = startPrivate("reader");
  await using destination = startPrivate("writer");
  const digest = await pushImage(source.repository, amd64, "1");
  const from = `docker://${source.host}/app:1`;
  const targets = [`docker://${destination.host}/app:1`, `docker://${destination.host}/app/other:2`];
  const flags = ["copy", "-q", "--insecure-policy", "--format", "json", "--src-tls-verify=false"];
  const env = { REGISTRY_AUTH_FILE: `${folder}/auth.json`, HOME: folder };
  await Deno.writeTextFile(`${folder}/auth.json`, "{}");
  const sides = ["--src-creds", "reader:pass", "--dest-creds", "writer:pass", "--dest-tls-verify=false"];
  const copied = JSON.parse(await cliOk([...flags, ...sides, from, ...targets, `oci:${folder}/layout:app`], env));
  assert.deepEqual(
    copied.map((item: { destination: string; digest: string }) => [item.destination, item.digest]),
    [...targets, `oci:${folder}/layout:app`].map((target) => [target, digest]),
  );
  assert.deepEqual([[...source.seen], [...destination.seen]], [["reader:pass"], ["writer:pass"]]);
  // One that fails does not stop the others, and is named.
  const list = ["--creds", "writer:pass", "--tls-verify=false", "--src-creds", "reader:pass"];
  const { code, stdout, stderr } = await cli([...flags, ...list, from, "oci:/dev/null/x", targets[0]!], env);
  assert.equal(code, 125);
  assert.deepEqual(
    JSON.parse(stdout).map((item: { destination: string; error?: string }) => [item.destination, !item.error]),
    [["oci:/dev/null/x", false], [targets[0], true]],
  );
  assert.match(stderr, /1 of 2 copies failed: Cannot/);
  assert.deepEqual([[...source.seen], [...destination.seen]], [["reader:pass"], ["writer:pass"]]);
});

Deno.test("copy --all-tags copies every tag of a repository", async () => {
  await using registry = startEmbedded();
  const digests = await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }, { architecture: "arm64" }]);
  const client = new RegistryClient(registry.host, { insecure: true });
  for (const [i, digest] of digests.entries()) {
    const { bytes } = await client.repository("app").getManifest(digest);
    await client.repository("app").putManifest(`v${i}`, bytes);
  }
  const [from, to] = [`docker://${registry.host}/app`, `docker://${registry.host}/copy`];
  const flags = ["copy", "-q", "--insecure-policy", "--tls-verify=false", "--all-tags"];
  await cliOk([...flags, from, to]);
  const [before, after] = await Promise.all(
    ["app", "copy"].map((path) => Array.fromAsync(client.repository(path).listTags())),
  );
  assert.ok(before!.length >= 2);
  assert.deepEqual(after, before);
  const digestOf = async (path: string, tag: string) => (await client.repository(path).headManifest(tag))?.digest;
  for (const tag of before!) assert.equal(await digestOf("copy", tag), await digestOf("app", tag), tag);
  const rows: [args: string[], message: RegExp][] = [
    [[`${from}:v1`, to], /write the repository without tag/],
    [[from, `${to}:v1`], /invalid reference|INVALID|Cannot parse/i],
    [[from, "dir:folder"], /--all-tags cannot be used with "dir:folder"/],
    [[`docker://${registry.host}/none`, to], /the repository does not exist or has no tags/],
    [["oci:folder", to], /it is not in a registry/],
  ];
  for (const [args, message] of rows) assert.match((await cli([...flags, ...args])).stderr, message);
});
