/** `append` and `drop` with `--dry-run` and `--tag`, `append --referrers`, and `annotate --remove`. */
import assert from "node:assert/strict";
import { appendToIndex } from "../../src/system/remote/room.ts";
import { EMPTY_DESCRIPTOR, manifestDigest, MEDIA_TYPES } from "../../src/spec/room.ts";
import { CLI, cli, cliHere, cliOk } from "../support/cli.ts";
import { pushBuildKit } from "../support/buildkit.ts";
import { clientOf, encode, makeImage, makeTar, pushImage } from "../support/images.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeStore } from "../support/stores.ts";

const INSECURE = "--tls-verify=false";

/** Runs a dry run and returns the bytes and the notes that it printed. */
async function preview(args: string[]) {
  const [name = "", ...rest] = [...CLI, ...args, "--dry-run", INSECURE];
  const { code, stdout, stderr } = await new Deno.Command(name, { args: rest, env: { NO_COLOR: "1" } }).output();
  assert.equal(code, 0, new TextDecoder().decode(stderr));
  return { digest: manifestDigest(stdout as Uint8Array<ArrayBuffer>), notes: new TextDecoder().decode(stderr) };
}

Deno.test("a dry run prints the index that the edit then writes", async () => {
  await using registry = startEmbedded();
  const repository = clientOf(registry.host).repository("app");
  const amd64 = { os: "linux", architecture: "amd64" }, arm64 = { os: "linux", architecture: "arm64" };
  const { digest: base, images, attestations } = await pushBuildKit(repository, "1", [amd64, arm64]);
  const other = await pushImage(repository, makeImage({ architecture: "s390x" }), "s390x");
  const at = `${registry.host}/app:1`;
  const rows: [args: string[], notes: string[]][] = [
    [["append", at, `${registry.host}/app:s390x`], [`+ linux/s390x ${other.slice(0, 19)}`]],
    [["drop", at, "linux/arm64"], [
      `- linux/arm64 ${images[1]!.slice(0, 19)}`,
      `- attestation of linux/arm64 ${attestations[1]!.slice(0, 19)}`,
    ]],
    [["append", at, `${registry.host}/app:1`], []],
    [["append", "--create", `${registry.host}/app:new`, `${registry.host}/app:s390x`], [
      `+ linux/s390x ${other.slice(0, 19)}`,
    ]],
  ];
  for (const [args, expected] of rows) {
    const before = (await repository.headManifest("1"))!.digest;
    const { digest, notes } = await preview(args);
    for (const note of expected) assert.match(notes, new RegExp(`^${RegExp.escape(note)}$`, "m"), args.join(" "));
    assert.match(notes, /dry run: nothing was written to /);
    assert.equal((await repository.headManifest("1"))!.digest, before);
    assert.equal(await cliOk([...args, "-q", INSECURE]), digest, args.join(" "));
  }
  assert.notEqual((await repository.headManifest("1"))!.digest, base);
});

Deno.test("a dry run of what is not written prints the index as it is, and marks images with zstd layers as a push does", async () => {
  await using registry = startEmbedded();
  const client = clientOf(registry.host);
  const layers = [makeTar("file", "content")];
  const [gzip, zstd] = (["gzip", "zstd"] as const).map((compression, i) =>
    makeImage({ architecture: ["amd64", "arm64"][i]!, layers, compressions: [compression] })
  );
  await pushImage(client.repository("gzip"), gzip!, "1");
  await pushImage(client.repository("zstd"), zstd!, "1");
  const sources = ["gzip", "zstd"].map((path) => `docker://${registry.host}/${path}:1`);
  const list = `docker://${registry.host}/app:1`;
  const append = async (...args: string[]) => {
    const { code, stdout, stderr } = await cliHere(["append", INSECURE, "-q", ...args]);
    assert.equal(code, 0, stderr);
    return args.includes("--dry-run") ? manifestDigest(new TextEncoder().encode(stdout)) : stdout.trim();
  };
  for (const [i, source] of sources.entries()) {
    const create = i === 0 ? ["--create"] : [];
    const predicted = await append(...create, "--dry-run", list, source);
    assert.equal(await append(...create, list, source), predicted);
  }
  const head = (await client.repository("app").headManifest("1"))!.digest;
  // Images that the list has are moved to the end, which is not written. Their entries keep the annotation of the push.
  for (const added of [sources, sources.toReversed(), [sources[0]!]]) {
    assert.equal(await append("--dry-run", list, ...added), head);
    assert.equal(await append(list, ...added), head);
  }
  const systemContext = { dockerInsecureSkipTlsVerify: true };
  assert.equal((await appendToIndex(list, sources, { systemContext })).digest, head);
  const index = JSON.parse(new TextDecoder().decode((await client.repository("app").getManifest("1")).bytes));
  const marks = index.manifests.map((entry: { annotations?: Record<string, string> }) =>
    entry.annotations?.["io.github.containers.compression.zstd"]
  );
  assert.deepEqual(marks, [undefined, "true"]);
  // Into another repository, all images are copied.
  const elsewhere = ["-t", `docker://${registry.host}/other:1`, list, sources[0]!];
  assert.equal(await append("--dry-run", ...elsewhere), await append(...elsewhere));
});

Deno.test("compose --dry-run predicts the index of each repository, also of images with zstd layers", async () => {
  await using registry = startEmbedded();
  const { host } = registry;
  const image = makeImage({ architecture: "arm64", layers: [makeTar("file", "content")], compressions: ["zstd"] });
  await pushImage(clientOf(host).repository("app"), image, "zstd");
  // The repository of the image does not get it again, so that its entry is not marked there.
  const names = ["app", "other"].map((path) => `${host}/${path}:1`);
  const compose = async (...args: string[]) => {
    const tags = names.flatMap((name) => ["-t", name]);
    const { code, stdout, stderr } = await cliHere([
      "compose",
      "--progress=none",
      INSECURE,
      ...args,
      ...tags,
      `${host}/app:zstd`,
    ]);
    assert.equal(code, 0, stderr);
    return { bytes: stdout, lines: stderr.trim().split("\n") };
  };
  const predicted = await compose("--dry-run");
  await compose();
  const heads = await Promise.all(["app", "other"].map((path) => clientOf(host).repository(path).headManifest("1")));
  assert.notEqual(heads[0]!.digest, heads[1]!.digest);
  const short = heads.map((head) => head!.digest.slice(0, 19));
  assert.deepEqual(predicted.lines, names.map((name, i) => `+ ${name} ${short[i]}`));
  assert.equal(manifestDigest(new TextEncoder().encode(predicted.bytes.trim())), heads[0]!.digest);
  assert.deepEqual((await compose("--dry-run")).lines, names.map((name, i) => `= ${name} ${short[i]}`));
});

Deno.test("the error for a list that does not exist says how to create it", async () => {
  await using registry = startEmbedded();
  await pushImage(clientOf(registry.host).repository("app"), makeImage({ architecture: "amd64" }), "1");
  const [list, image] = [`docker://${registry.host}/none:1`, `docker://${registry.host}/app:1`];
  const rows = [["append", list, image], ["append", "--dry-run", list, image], ["append", "-t", "2", list, image], [
    "drop",
    list,
    "linux/amd64",
  ], ["annotate", "--index", "--annotation", "a=b", list]];
  for (const [command, ...args] of rows) {
    const { code, stderr } = await cliHere([command!, INSECURE, ...args]);
    assert.equal(code, 125);
    assert.match(
      stderr,
      /^Error: Cannot edit docker:\/\/.*\/none:1: the list does not exist: create it with compose, or/,
    );
  }
});

Deno.test("--tag writes the edited list under another name and leaves the list as it is", async () => {
  await using registry = startEmbedded();
  const client = clientOf(registry.host);
  const repository = client.repository("app");
  // White space that a serialized index would not have.
  const image = await pushImage(repository, makeImage({ architecture: "amd64" }), "amd64");
  const entry = { ...(await repository.headManifest(image))!, platform: { os: "linux", architecture: "amd64" } };
  const text = JSON.stringify({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [entry] }, undefined, 1);
  const base = await repository.putManifest("1", new TextEncoder().encode(text));
  await pushImage(repository, makeImage({ architecture: "arm64" }), "arm64");
  const at = `${registry.host}/app:1`;
  const run = (...args: string[]) => cliOk([args[0]!, "-q", INSECURE, ...args.slice(1)]);
  const headOf = async (path: string, tag: string) => (await client.repository(path).headManifest(tag))?.digest;
  const appended = await run("append", "-t", "2", at, `${registry.host}/app:arm64`);
  assert.deepEqual([await headOf("app", "1"), await headOf("app", "2")], [base, appended]);
  // Nothing changes: the index itself gets the tag.
  assert.equal(await run("append", "-t", "same", at, `${registry.host}/app:amd64`), base);
  assert.equal(await headOf("app", "same"), base);
  // Into another repository, with the images.
  const dropped = await run(
    "drop",
    "-t",
    `docker://${registry.host}/other/app:3`,
    `${registry.host}/app:2`,
    "linux/amd64",
  );
  assert.equal(await headOf("other/app", "3"), dropped);
  const index = JSON.parse(new TextDecoder().decode((await client.repository("other/app").getManifest("3")).bytes));
  assert.ok(await client.repository("other/app").headManifest(index.manifests[0].digest));
  assert.deepEqual([await headOf("app", "1"), await headOf("app", "2")], [base, appended]);
  // An existing tag is moved.
  assert.equal(await run("drop", "-t", "same", `${registry.host}/app:2`, "linux/arm64"), await headOf("app", "same"));
  const layout = await cli(["drop", "-t", "x", "oci:folder:app", "linux/amd64"]);
  assert.match(layout.stderr, /--tag x requires a list in a registry/);
});

Deno.test("append --referrers copies what refers to the images", async () => {
  await using registry = startEmbedded();
  const client = clientOf(registry.host);
  const source = client.repository("source");
  const image = await pushImage(source, makeImage({ architecture: "amd64" }), "1");
  const { mediaType, size } = (await source.headManifest(image))!;
  await source.putBlob({ ...EMPTY_DESCRIPTOR, size: 2 }, new Blob(["{}"]).stream());
  const referrer = await source.putManifest(
    manifestDigest(encode(createReferrer({ mediaType, digest: image, size }))),
    encode(createReferrer({ mediaType, digest: image, size })),
  );
  const args = ["-q", INSECURE, "--create"];
  for (const [flags, expected] of [[[], []], [["--referrers"], [referrer]]] as const) {
    const path = `target${flags.length}`;
    await cliOk(["append", ...args, ...flags, `${registry.host}/${path}:1`, `${registry.host}/source:1`]);
    const found = await Array.fromAsync(client.repository(path).listReferrers(image));
    assert.deepEqual(found.map(({ digest }) => digest), expected);
  }
});

function createReferrer(subject: unknown) {
  const { data: _, ...empty } = { ...EMPTY_DESCRIPTOR, size: 2 };
  return {
    schemaVersion: 2,
    mediaType: MEDIA_TYPES.ociManifest,
    artifactType: "a/b",
    config: empty,
    layers: [empty],
    subject,
  };
}

Deno.test("annotate --remove removes annotations of an instance and of a list in a registry", async () => {
  await using registry = startEmbedded();
  const repository = clientOf(registry.host).repository("app");
  const digest = await pushImage(repository, makeImage({ architecture: "amd64" }), "amd64");
  const entry = {
    ...(await repository.headManifest(digest))!,
    platform: { os: "linux", architecture: "amd64" },
    annotations: { a: "1", b: "2" },
  };
  const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [entry], annotations: { c: "3" } };
  await repository.putManifest("1", encode(index));
  const at = `docker://${registry.host}/app:1`;
  const read = async () => JSON.parse(new TextDecoder().decode((await repository.getManifest("1")).bytes));
  await cliOk(["annotate", INSECURE, "--remove", "a", "--annotation", "d=4", at, "linux/amd64"]);
  assert.deepEqual((await read()).manifests[0].annotations, { b: "2", d: "4" });
  await cliOk(["annotate", INSECURE, "--index", "--remove", "c", at]);
  assert.equal((await read()).annotations, undefined);
  const before = (await repository.headManifest("1"))!.digest;
  const result = JSON.parse(
    await cliOk(["annotate", INSECURE, "--format", "json", "--remove", "none", at, "linux/amd64"]),
  );
  assert.deepEqual([result.digest, result.unchanged], [before, true]);
});

Deno.test("append, compose and release apply check the images that --signature-policy does not accept", async () => {
  await using registry = startEmbedded();
  await using at = await makeStore();
  const { host } = registry;
  const client = clientOf(host);
  const amd64 = await pushImage(client.repository("app"), makeImage({ architecture: "amd64" }), "amd64");
  await pushImage(client.repository("app"), makeImage({ architecture: "arm64" }), "arm64");
  const write = async (name: string, rule: string, other: string) => {
    const transports = { docker: { [`${host}/app`]: [{ type: rule }] } };
    await Deno.writeTextFile(`${at.folder}/${name}`, JSON.stringify({ default: [{ type: other }], transports }));
    return `${at.folder}/${name}`;
  };
  const reject = await write("reject", "reject", "insecureAcceptAnything");
  const accept = await write("accept", "insecureAcceptAnything", "reject");
  const file = `${at.folder}/manifests.yaml`;
  const release = { to: [`${host}/app:released`], sources: [`${host}/app:amd64`] };
  await Deno.writeTextFile(file, JSON.stringify({ version: 1, releases: { app: release } }));
  // The images are in the repository already, so that nothing has to be copied.
  const rows = (i: number) => [
    ["append", "--create", `${host}/app:list${i}`, `${host}/app:amd64`],
    ["append", "--dry-run", "--create", `${host}/app:dry${i}`, `${host}/app:amd64`],
    ["append", "-t", `derived${i}`, `${host}/app:base`, `${host}/app:arm64`],
    ["compose", "-t", `${host}/app:made${i}`, `${host}/app:amd64`],
    ["release", "apply", "--file", file],
  ];
  await cliHere(["compose", "-q", INSECURE, "-t", `${host}/app:base`, `${host}/app:amd64`]);
  const listTags = () => Array.fromAsync(client.repository("app").listTags());
  const tags = await listTags();
  for (const [i, policy] of [reject, accept].entries()) {
    for (const [command, ...args] of rows(i)) {
      const { code, stderr } = await cliHere([command!, ...args, "-q", INSECURE, "--signature-policy", policy]);
      const what = `${command} ${args.join(" ")}: ${stderr}`;
      if (policy === accept) assert.equal(code, 0, what);
      else assert.match(stderr, /rejected by policy/, what);
    }
    if (policy === reject) assert.deepEqual(await listTags(), tags);
  }
  assert.equal((await client.repository("app").headManifest("amd64"))!.digest, amd64);
  const plan = await cliHere(["release", "plan", "--file", file, INSECURE, "--signature-policy", accept]);
  assert.match(plan.stderr, /release plan does not take --signature-policy/);
});
