/** Commands that work on lists in the local store, in registries and in files. */
import assert from "node:assert/strict";
import { digestOf } from "../../src/spec/room.ts";
import { CLI, cli, cliHere, cliOk } from "../support/cli.ts";
import { clientOf, encode, makeImage, pushImage, pushPlatforms } from "../support/images.ts";
import { startEmbedded, type TestRegistry } from "../support/registries.ts";
import { makeStore } from "../support/stores.ts";

const PLATFORMS = [{ architecture: "amd64" }, { architecture: "arm64", variant: "v8" }, { architecture: "s390x" }];
const INSECURE = "--tls-verify=false";

const FOREIGN = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";

/** A registry with `app:1`, a list of the platforms with an annotation. */
async function startWithList() {
  const registry = startEmbedded();
  const digests = await pushPlatforms(registry.host, "app", PLATFORMS);
  const repository = clientOf(registry.host).repository("app");
  const manifests = await Promise.all(digests.map(async (digest, i) => {
    const { bytes, mediaType } = await repository.getManifest(digest);
    return { mediaType, digest, size: bytes.length, platform: { os: "linux", ...PLATFORMS[i]! } };
  }));
  const index = { schemaVersion: 2, mediaType: "application/vnd.oci.image.index.v1+json", manifests };
  const put = (tag: string, change: object = {}) => repository.putManifest(tag, encode({ ...index, ...change }));
  const digest = await put("1", { annotations: { team: "release" } });
  return { registry, digests, digest, manifests, put, image: (tag: string) => `docker://${registry.host}/app:${tag}` };
}

const readIndex = async ({ host }: TestRegistry, repository: string, tag: string) =>
  JSON.parse(new TextDecoder().decode((await clientOf(host).repository(repository).getManifest(tag)).bytes));

Deno.test("a command on images elsewhere needs no local store, so a broken configuration of it does not matter", async () => {
  const { registry, digests, image } = await startWithList();
  await using _registry = registry;
  const folder = await Deno.makeTempDir();
  try {
    const conf = `${folder}/storage.conf`;
    const policy = `${folder}/policy.json`;
    await Deno.writeTextFile(conf, "[storage");
    await Deno.writeTextFile(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
    const [list, single] = [image("1"), image(digests[0]!).replace(":sha256", "@sha256")];
    const rows: string[][] = [
      ["inspect", list],
      ["inspect", "--raw", list],
      ["inspect", "--format", "table", list],
      ["digest", list],
      ["digest", "--platform", "linux/amd64", list],
      ["diff", list, list],
      ["validate", list],
      ["verify", "--signature-policy", policy, list],
      ["copy", "-q", list, image("2")],
      ["copy", "-q", list, `oci:${folder}/layout`],
      ["copy", "-q", `oci:${folder}/layout`, image("3")],
      ["append", "--create", image("4"), single],
      ["annotate", list, "linux/amd64", "--annotation", "a=b"],
      ["annotate", "--index", list, "--annotation", "a=b"],
      ["drop", list, single],
      ["tag", list, "5"],
      ["tags", list.replace(/:1$/, "")],
      ["delete", image("2")],
      ["compose", "-q", "-t", `${registry.host}/app:6`, single],
    ];
    for (const args of rows) {
      const { code, stderr } = await cliHere([...args, INSECURE], { CONTAINERS_STORAGE_CONF: conf });
      assert.equal(code, 0, `${args.join(" ")}: ${stderr}`);
    }
    const { code, stderr } = await cliHere(["inspect", "app"], { CONTAINERS_STORAGE_CONF: conf });
    assert.equal(code, 125);
    assert.match(stderr, /storage\.conf/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("ls shows only local lists", async () => {
  await using at = await makeStore();
  assert.equal(await cliOk([...at.flags, "ls"]), "NAME  ID  CREATED  IMAGES  PLATFORMS");
  assert.equal(await cliOk([...at.flags, "ls", "--format", "json"]), "[]");
  await at.store.createImage({ names: ["localhost/img:1"], data: [{ key: "manifest", bytes: encode("{}") }] });
  const id = await cliOk([...at.flags, "create", "one"]);
  await cliOk([...at.flags, "tag", "one", "other:2"]);
  await Deno.writeTextFile(`${at.folder}/f`, "x");
  await cliOk([...at.flags, "add", "--artifact", "--os", "linux", "--arch", "arm64", "one", `${at.folder}/f`]);
  const [header, ...rows] = (await cliOk([...at.flags, "ls"])).split("\n").map((line) => line.split(/ {2,}/));
  assert.deepEqual(header, ["NAME", "ID", "CREATED", "IMAGES", "PLATFORMS"]);
  assert.deepEqual(rows.map(([name, short, , images, platforms]) => [name, short, images, platforms]), [
    ["localhost/other:2", id.slice(0, 12), "1", "linux/arm64"],
    ["localhost/one:latest", id.slice(0, 12), "1", "linux/arm64"],
  ]);
  assert.equal(await cliOk([...at.flags, "ls", "-q"]), id);
  const [list] = JSON.parse(await cliOk([...at.flags, "ls", "--format", "json"]));
  assert.deepEqual([list.id, list.platforms], [id, ["linux/arm64"]]);
});

Deno.test("tag takes the name of another image only with --replace", async () => {
  await using at = await makeStore();
  const one = await cliOk([...at.flags, "create", "one"]);
  await cliOk([...at.flags, "create", "two"]);
  const refused = await cli([...at.flags, "tag", "one", "three", "two"]);
  assert.deepEqual([refused.code, /--replace/.test(refused.stderr)], [125, true]);
  assert.deepEqual((await at.store.findImage(one))!.image.names, ["localhost/one:latest"], "nothing half done");
  await cliOk([...at.flags, "tag", "--replace", "one", "two"]);
  assert.equal((await at.store.findImage("localhost/two:latest"))!.image.id, one);
});

Deno.test("diff prints the differences between two lists", async () => {
  await using at = await makeStore();
  const { registry, digests, manifests, put, image } = await startWithList();
  await using _ = registry;
  const [amd64, arm64, s390x] = manifests;
  const other = await pushImage(clientOf(registry.host).repository("app"), makeImage({ architecture: "x" }), "x");
  await put("same", { annotations: { team: "release" }, manifests: [s390x, amd64, arm64] });
  await put("other", {
    manifests: [{ ...amd64, annotations: { a: "b" } }, { ...s390x, digest: other }, {
      ...arm64,
      platform: { os: "linux", architecture: "arm" },
    }, { ...arm64, digest: digests[0], platform: { os: "windows", architecture: "amd64" } }],
  });
  const diff = (a: string, b: string, ...flags: string[]) =>
    cli([...at.flags, "diff", INSECURE, image(a), image(b), ...flags]);
  assert.deepEqual(await diff("1", "same"), { code: 0, stdout: "", stderr: "" });
  const short = (digest: string) => digest.slice(0, 19);
  assert.deepEqual(await diff("1", "other"), {
    code: 1,
    stdout: [
      "! annotation team differs",
      `~ linux/amd64 ${short(digests[0]!)} (annotation a)`,
      `~ linux/arm64/v8 ${short(digests[1]!)} (platform)`,
      `~ linux/s390x ${short(digests[2]!)} -> ${short(other)}`,
      `+ windows/amd64 ${short(digests[0]!)}`,
      "",
    ].join("\n"),
    stderr: "",
  });
  const { instances } = JSON.parse((await diff("other", "1", "--format", "json")).stdout);
  assert.deepEqual(instances.at(-1), { platform: "windows/amd64", before: digests[0], fields: [] });
  const single = await diff("1", "amd64");
  assert.deepEqual([single.code, /not a manifest list/.test(single.stderr)], [125, true]);
});

Deno.test("copy preserves digests, also of chosen platforms", async () => {
  await using at = await makeStore();
  const { registry, digests, digest, image } = await startWithList();
  await using _ = registry;
  const to = (name: string) => `docker://${registry.host}/${name}`;
  const copy = (...args: string[]) => cliOk([...at.flags, "copy", "--insecure-policy", INSECURE, ...args]);
  assert.equal(await copy("-q", image("1"), to("whole:1")), digest);
  assert.equal((await clientOf(registry.host).repository("whole").headManifest("1"))!.digest, digest);
  const result = JSON.parse(await copy("-q", "--format", "json", image("1"), `oci:${at.folder}/layout:x`));
  assert.equal(result.digest, digest);
  await copy("-q", "--platform", "linux/arm64,linux/s390x", image("1"), to("some:1"));
  const some = await readIndex(registry, "some", "1");
  assert.deepEqual(some.manifests.map((entry: { digest: string }) => entry.digest), digests.slice(1));
  assert.deepEqual(some.annotations, { team: "release" });
  const none = await cli([
    ...at.flags,
    "copy",
    "--insecure-policy",
    INSECURE,
    "--platform",
    "linux/mips",
    image("1"),
    to("none:1"),
  ]);
  assert.deepEqual([none.code, /it has only linux\/amd64, linux\/arm64\/v8, linux\/s390x/.test(none.stderr)], [
    125,
    true,
  ]);
  assert.equal(await clientOf(registry.host).repository("none").headManifest("1"), undefined);
  const planned = JSON.parse(await copy("--dry-run", "--format", "json", image("1"), to("planned:1")));
  assert.deepEqual(new Set(planned.blobs.map((blob: { fate: string }) => blob.fate)), new Set(["mounted"]));
  assert.equal(await clientOf(registry.host).repository("planned").headManifest("1"), undefined);
});

Deno.test("a list that does not change is not written, and the result has unchanged: true", async () => {
  await using at = await makeStore();
  const { registry, digest, image } = await startWithList();
  await using _ = registry;
  const run = async (command: string, ...args: string[]) =>
    JSON.parse(await cliOk([...at.flags, command, INSECURE, "--format", "json", ...args]));
  const same = { digest, unchanged: true };
  assert.deepEqual(await run("append", "-q", image("1"), image("amd64")), same);
  assert.deepEqual(await run("tag", image("1"), "1"), same);
  assert.deepEqual(await run("annotate", "--index", "--annotation", "team=release", image("1")), same);
  assert.deepEqual(await run("tag", image("1"), "1", "2"), { digest });
  await cliOk([...at.flags, "create", "one"]);
  const { id, unchanged } = await run("annotate", "--index", "--annotation", "a=b", "one");
  assert.equal(unchanged, undefined);
  assert.deepEqual(await run("annotate", "--index", "--annotation", "a=b", "one"), { id, unchanged: true });
});

Deno.test("annotate edits a list in its registry", async () => {
  await using at = await makeStore();
  const { registry, digests, image } = await startWithList();
  await using _ = registry;
  const annotate = (...args: string[]) => cliOk([...at.flags, "annotate", INSECURE, ...args]);
  await annotate("--annotation", "tested=yes", image("1"), "linux/arm64");
  const printed = await annotate("--index", "--annotation", "a=b", image("1"));
  const { annotations, manifests } = await readIndex(registry, "app", "1");
  assert.equal((await clientOf(registry.host).repository("app").headManifest("1"))!.digest, printed);
  assert.deepEqual([annotations, manifests[1].digest, manifests[1].annotations], [
    { a: "b", team: "release" },
    digests[1],
    { tested: "yes" },
  ]);
});

Deno.test("append and drop edit a list in its registry", async () => {
  await using at = await makeStore();
  const { registry, digests, manifests, put, image } = await startWithList();
  await using _ = registry;
  await put("2", { annotations: { team: "release" }, manifests: manifests.slice(0, 2) });
  const remote = image("2");
  const appended = await cliOk([
    ...at.flags,
    "append",
    "-q",
    INSECURE,
    "--annotation",
    "k=v",
    remote,
    image("s390x"),
  ]);
  const after = await readIndex(registry, "app", "2");
  assert.deepEqual(after.manifests.map((entry: { digest: string }) => entry.digest), digests);
  assert.deepEqual([after.annotations, after.manifests[2].annotations], [{ team: "release" }, { k: "v" }]);
  assert.equal((await clientOf(registry.host).repository("app").headManifest("2"))!.digest, appended);
  await cliOk([...at.flags, "drop", "-q", INSECURE, remote, "linux/s390x", digests[0]!]);
  assert.deepEqual((await readIndex(registry, "app", "2")).manifests.map(({ digest }: { digest: string }) => digest), [
    digests[1],
  ]);
  const failed = await cli([...at.flags, "drop", "-q", INSECURE, remote, digests[1]!, digests[0]!]);
  assert.deepEqual([failed.code, /no image instance matching/.test(failed.stderr)], [125, true]);
  assert.equal((await readIndex(registry, "app", "2")).manifests.length, 1, "all or nothing");
  const missing = await cli([...at.flags, "append", INSECURE, image("new"), image("amd64")]);
  assert.equal(missing.code, 125);
  await cliOk([...at.flags, "append", "-q", "--create", INSECURE, image("new"), image("amd64")]);
  assert.equal((await readIndex(registry, "app", "new")).manifests.length, 1);
  const single = await cli([...at.flags, "append", INSECURE, image("amd64"), image("s390x")]);
  assert.deepEqual([single.code, /it is not a list/.test(single.stderr)], [125, true]);
  assert.equal((await at.store.listImages()).length, 0, "no store is involved");
});

Deno.test("a Docker list keeps its type when an image is added and removed", async () => {
  await using at = await makeStore();
  const { registry, manifests, put, image } = await startWithList();
  await using _ = registry;
  const mediaType = "application/vnd.docker.distribution.manifest.list.v2+json";
  await put("docker", { mediaType, manifests: manifests.slice(0, 2) });
  await cliOk([...at.flags, "append", "-q", INSECURE, image("docker"), image("s390x")]);
  const appended = await readIndex(registry, "app", "docker");
  assert.deepEqual([appended.mediaType, appended.manifests.length], [mediaType, 3]);
  await cliOk([...at.flags, "append", "-q", INSECURE, "--annotation", "a=b", image("docker"), image("s390x")]);
  assert.equal((await readIndex(registry, "app", "docker")).mediaType, "application/vnd.oci.image.index.v1+json");
});

Deno.test("validate finds missing, altered and mislabeled content", async () => {
  await using at = await makeStore();
  const { registry, digests, manifests, put, image } = await startWithList();
  await using _ = registry;
  const [amd64, arm64] = manifests;
  const validate = (name: string, ...flags: string[]) => cli([...at.flags, "validate", INSECURE, name, ...flags]);
  for (const flags of [[], ["--full"]]) {
    const { code, stdout } = await validate(image("1"), ...flags);
    assert.deepEqual([code, /3 images, 6 blobs: nothing is wrong\n$/.test(stdout)], [0, true], stdout);
  }
  await put("wrong", {
    manifests: [
      { ...amd64, platform: { os: "linux", architecture: "riscv64" } },
      arm64,
      arm64,
    ],
  });
  const { code, stdout } = await validate(image("wrong"), "--format", "json");
  const { problems } = JSON.parse(stdout);
  assert.equal(code, 1);
  const found = problems.map(({ platform, problem }: { platform: string; problem: string }) =>
    `${platform}: ${problem}`
  );
  assert.equal(found.length, 2, stdout);
  assert.ok(found.includes("linux/riscv64: its configuration says that it is for linux/amd64"), stdout);
  assert.ok(found.includes("linux/arm64/v8: the list has it twice"), stdout);
  const built = makeImage(PLATFORMS[0]!);
  const [layer, config] = built.blobs.map(({ descriptor }) => descriptor);
  const foreign = encode({
    schemaVersion: 2,
    mediaType: amd64!.mediaType,
    config,
    // Another digest, since the registry has the layer itself.
    layers: [{ ...layer, digest: digests[2], mediaType: FOREIGN, urls: ["https://layers.example/1"] }],
  });
  await clientOf(registry.host).repository("app").putManifest(digestOf(foreign), foreign);
  await put("foreign", { manifests: [{ ...amd64, digest: digestOf(foreign), size: foreign.length }] });
  const elsewhere = await validate(image("foreign"));
  assert.deepEqual(
    [elsewhere.code, /^not checked: linux\/amd64: /.test(elsewhere.stdout)],
    [0, true],
    elsewhere.stdout,
  );
  // Only --full reads a blob and finds that it is damaged.
  await cliOk([...at.flags, "copy", "-q", "--insecure-policy", INSECURE, image("1"), `oci:${at.folder}/layout:x`]);
  await Deno.writeFile(`${at.folder}/layout/blobs/${layer!.digest.replace(":", "/")}`, new Uint8Array(layer!.size));
  assert.equal((await validate(`oci:${at.folder}/layout:x`)).code, 0);
  const full = await validate(`oci:${at.folder}/layout:x`, "--full");
  assert.deepEqual([full.code, full.stdout.includes(layer!.digest)], [1, true], full.stdout);
  await Deno.remove(`${at.folder}/layout/blobs/${digests[2]!.replace(":", "/")}`);
  const missing = await validate(`oci:${at.folder}/layout:x`);
  assert.deepEqual([missing.code, /^linux\/s390x: sha256:\w+: /.test(missing.stdout)], [1, true], missing.stdout);
});

Deno.test("delete and tag work in a registry", async () => {
  await using at = await makeStore();
  const { registry, digest, image } = await startWithList();
  await using _ = registry;
  const repository = clientOf(registry.host).repository("app");
  await cliOk([...at.flags, "tag", INSECURE, image("1"), "2", "3", "latest"]);
  assert.equal((await repository.headManifest("latest"))!.digest, digest);
  assert.equal((await cli([...at.flags, "tag", INSECURE, image("1"), "a b"])).code, 125);
  assert.equal(await cliOk([...at.flags, "delete", INSECURE, image("2")]), `Deleted: ${image("2")} (${digest})`);
  assert.equal(await repository.headManifest("2"), undefined);
  assert.equal((await repository.headManifest("1"))!.digest, digest, "other tags stay");
  // An error for one image does not stop the others.
  const several = await cliHere([...at.flags, "delete", INSECURE, image("none"), image("3")]);
  assert.deepEqual([several.code, several.stdout], [125, `Deleted: ${image("3")} (${digest})\n`], several.stderr);
  assert.match(several.stderr, /^Error: 1 of 2 images were not deleted: .*\/manifests\/none: /m);
  await cliOk([...at.flags, "delete", "--manifest", INSECURE, image("1")]);
  assert.equal(await repository.headManifest("latest"), undefined);
  const again = await cli([...at.flags, "delete", INSECURE, image("1")]);
  assert.equal(again.code, 125);
  const local = await cli([...at.flags, "delete", "oci:/nowhere"]);
  assert.deepEqual([local.code, /it is not in a registry/.test(local.stderr)], [125, true]);
});

Deno.test("registry serve stores images in a folder and runs until it is interrupted", async () => {
  await using at = await makeStore();
  const args = [...CLI.slice(1), "registry", "serve", "--port", "0", `${at.folder}/images`];
  const child = new Deno.Command(CLI[0]!, { args, stdout: "piped", stderr: "null" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const { value } = await reader.read();
  const host = new URL(value!.trim()).host;
  await pushPlatforms(host, "app", [{ architecture: "amd64" }]);
  assert.match(await cliOk(["inspect", INSECURE, `docker://${host}/app:amd64`]), /"layers"/);
  child.kill("SIGINT");
  assert.equal((await child.status).code, 130);
  await reader.cancel();
  assert.ok((await Deno.stat(`${at.folder}/images`)).isDirectory);
});

Deno.test("the commands reach registry serve at a port that fetch blocks", async () => {
  await using at = await makeStore();
  const port = ["6000", "5060", "10080"].find(isFree) ?? "6566";
  const args = [...CLI.slice(1), "registry", "serve", "--port", port, `${at.folder}/images`];
  const child = new Deno.Command(CLI[0]!, { args, stdout: "piped", stderr: "null" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  await reader.read();
  await using source = startEmbedded();
  await pushPlatforms(source.host, "app", [{ architecture: "amd64" }]);
  const copied = `127.0.0.1:${port}/app:1`;
  await cliOk(["copy", INSECURE, "--insecure-policy", `docker://${source.host}/app:amd64`, `docker://${copied}`]);
  assert.match(await cliOk(["inspect", INSECURE, `docker://${copied}`]), /"layers"/);
  child.kill("SIGINT");
  assert.equal((await child.status).code, 130);
  await reader.cancel();
});

/** Whether nothing listens at a port on loopback. */
function isFree(port: string): boolean {
  try {
    Deno.listen({ hostname: "127.0.0.1", port: Number(port) }).close();
    return true;
  } catch {
    return false;
  }
}

Deno.test("copy checks images against the given policy, and accepts all only with --insecure-policy", async () => {
  await using registry = startEmbedded();
  await using at = await makeStore();
  await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }]);
  const copy = (...flags: string[]) =>
    cli([...at.flags, "copy", INSECURE, ...flags, `${registry.host}/app:amd64`, `dir:${at.folder}/copy`]);
  const policy = `${at.folder}/policy.json`;
  await Deno.writeTextFile(policy, '{"default":[{"type":"reject"}]}');
  const refused = await copy("--signature-policy", policy);
  assert.equal(refused.code, 125);
  assert.match(refused.stderr, /rejected by policy/);
  assert.equal((await copy("--policy", `${at.folder}/absent.json`)).code, 125);
  await Deno.writeTextFile(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
  for (const flags of [["--policy", policy], ["--insecure-policy"]]) {
    const { code, stderr } = await copy(...flags);
    assert.equal(code, 0, stderr);
  }
});

Deno.test("push checks images against the given policy; as podman and buildah, it checks nothing", async () => {
  await using registry = startEmbedded();
  await using at = await makeStore();
  await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }]);
  await cliOk([...at.flags, "create", INSECURE, "list", `${registry.host}/app:amd64`]);
  const policy = `${at.folder}/policy.json`;
  const push = (path: string, persona = "") =>
    cli([...at.flags, "push", "-q", INSECURE, "--signature-policy", path, "list", `${registry.host}/to:1`], {
      MANIFESTS_PERSONA: persona,
    });
  await Deno.writeTextFile(policy, '{"default":[{"type":"reject"}]}');
  const refused = await push(policy);
  assert.deepEqual([refused.code, /rejected by policy/.test(refused.stderr)], [125, true]);
  assert.equal((await push(`${at.folder}/absent.json`)).code, 125);
  assert.equal(await clientOf(registry.host).repository("to").headManifest("1"), undefined);
  for (const persona of ["podman", "buildah"]) assert.equal((await push(policy, persona)).code, 0);
  await Deno.writeTextFile(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
  assert.equal((await push(policy)).code, 0);
});

Deno.test("copy also copies referrers with --referrers", async () => {
  await using at = await makeStore();
  const { registry, digests, manifests } = await startWithList();
  await using _ = registry;
  const repository = clientOf(registry.host).repository("app");
  const subject = manifests[0]!;
  const { manifest, blobs, digest: config } = makeImage({ architecture: "unknown" });
  await pushImage(repository, { manifest, blobs, digest: config }, "note");
  const note = encode({ ...JSON.parse(new TextDecoder().decode(manifest)), artifactType: "text/note", subject });
  const referrer = await repository.putManifest("note", note);
  const copy = [...at.flags, "copy", "-q", INSECURE, "--insecure-policy", `${registry.host}/app:1`];
  await cliOk([...copy, `${registry.host}/plain:1`]);
  assert.deepEqual(await Array.fromAsync(clientOf(registry.host).repository("plain").listReferrers(digests[0]!)), []);
  const outline = await cliOk([...copy, "--referrers", "--dry-run", `${registry.host}/copy:1`]);
  assert.match(outline, /^\(referrer\)/m);
  const result = await cliOk([...copy, "--referrers", "--format=json", `${registry.host}/copy:1`]);
  assert.deepEqual(JSON.parse(result).referrers, { [digests[0]!]: [referrer] });
  const found = await Array.fromAsync(clientOf(registry.host).repository("copy").listReferrers(digests[0]!));
  assert.deepEqual(found.map(({ digest }) => digest), [referrer]);
  const wrong = await cli([...copy, "--registry-referrers-mode=v2", `${registry.host}/copy:1`]);
  assert.deepEqual([wrong.code, /legacy or oci-1-1/.test(wrong.stderr)], [125, true]);
});
