/** Twins of the tests for `manifest` of podman (012-manifest.bats, manifest_test.go) and buildah (lists.bats). */
import assert from "node:assert/strict";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { digestOf } from "../../src/spec/room.ts";
import { buildImages } from "../support/built_images.ts";
import { cli } from "../support/cli.ts";
import { clientOf, encode, pushPlatforms } from "../support/images.ts";
import { type CommandResult, ok, peerTest } from "../support/peers.ts";
import { serve, startEmbedded } from "../support/registries.ts";
import { makeStore, type TestStore } from "../support/stores.ts";

type Tool = (...args: string[]) => Promise<CommandResult>;

/** Creates runners of a tool's `manifest` on a store. Like podman's tests, `clean` requires exit code 0 and an empty stderr. */
function toolOn(at: TestStore, persona: "podman" | "buildah", env: Record<string, string> = {}) {
  const run: Tool = (...args) => cli([...at.flags, "manifest", ...args], { MANIFESTS_PERSONA: persona, ...env });
  const clean = async (...args: string[]) => {
    const result = await run(...args);
    assert.deepEqual([result.code, result.stderr], [0, ""], `${args.join(" ")}: ${result.stderr}`);
    return result.stdout.trim();
  };
  const fails = async (code: number, stderr: RegExp, ...args: string[]) => {
    const result = await run(...args);
    assert.equal(result.code, code, `${args.join(" ")}: ${JSON.stringify(result)}`);
    assert.match(result.stderr, stderr);
    return result;
  };
  const inspect = async (...args: string[]) => JSON.parse(await clean("inspect", ...args));
  return { run, clean, fails, inspect };
}

const OCI_INDEX = "application/vnd.oci.image.index.v1+json";
const DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json";
const FIVE = ["amd64", "arm64", "ppc64le", "s390x", "386"].map((architecture) => ({ architecture }));

/** Starts a registry with `app:list`, a list of five images. */
async function startWithFive() {
  const registry = startEmbedded();
  const digests = await pushPlatforms(registry.host, "app", FIVE);
  const repository = clientOf(registry.host).repository("app");
  const manifests = await Promise.all(digests.map(async (digest, i) => {
    const { bytes, mediaType } = await repository.getManifest(digest);
    return { mediaType, digest, size: bytes.length, platform: { os: "linux", ...FIVE[i]! } };
  }));
  await repository.putManifest("list", encode({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }));
  return { registry, digests, list: `docker://${registry.host}/app:list`, host: registry.host };
}

Deno.test("podman: bare manifest list, --tls-verify and --authfile", async () => {
  await using at = await makeStore();
  const { fetch } = createRegistry({
    storage: createMemoryStorage(),
    access: { scheme: "basic", users: { me: "pw" } },
  });
  await using registry = serve(fetch);
  const { clean, fails, inspect, run } = toolOn(at, "podman");
  const name = `${registry.host}/m:1.0`;
  const authfile = `${at.folder}/auth.json`;
  await Deno.writeTextFile(authfile, JSON.stringify({ auths: { [registry.host]: { auth: btoa("me:pw") } } }));
  const id = await clean("create", name);
  for (const flag of ["--verbose", "-v"]) assert.equal((await inspect(flag, id)).mediaType, DOCKER_LIST);
  await clean("push", "-q", "--authfile", authfile, "--tls-verify=false", id, name);
  await clean("rm", name);
  const again = await fails(1, /^Error: .*: image not known\n$/, "rm", name);
  assert.equal(again.stderr, `Error: ${name}: image not known\n`);
  assert.deepEqual(await run("rm", "--ignore", name), { code: 0, stdout: "", stderr: "" });
  for (const flags of [[], ["--insecure=false"], ["--tls-verify=true"], [`--authfile=${authfile}`]]) {
    await fails(125, /^Error: /, "inspect", ...flags, name);
  }
  for (const flag of ["--tls-verify=false", "--insecure"]) {
    assert.equal((await inspect(`--authfile=${authfile}`, flag, name)).mediaType, DOCKER_LIST);
  }
  const withEnv = toolOn(at, "podman", { REGISTRY_AUTH_FILE: authfile });
  assert.equal((await withEnv.inspect("--tls-verify=false", name)).mediaType, DOCKER_LIST);
  await clean("create", name);
  await fails(125, /: .*authentication required/, "push", "--tls-verify=false", "--creds=me:no", name, name);
});

peerTest("podman: --add-compression with zstd:chunked", ["buildah", "root"], async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  const { clean, run } = toolOn(at, "podman");
  const names = await buildImages(at, "img");
  await clean("create", "list");
  for (const name of names) await clean("add", "list", `containers-storage:${name}`);
  const target = `${registry.host}/list:1`;
  const flags = ["--all", "--compression-format", "gzip", "--add-compression", "zstd:chunked", "--tls-verify=false"];
  const pushed = await run("push", ...flags, "list", target);
  assert.equal(pushed.code, 0, pushed.stderr);
  assert.match(pushed.stderr, /^Copying 4 images generated from 2 images in list$/m);
  assert.match(pushed.stderr, /^Writing manifest list to image destination\nStoring list signatures$/m);
  const shown = JSON.parse(await clean("inspect", "--tls-verify=false", target));
  const mark = { "io.github.containers.compression.zstd": "true" };
  assert.deepEqual(
    shown.manifests.map((entry: { platform: { architecture: string }; annotations?: unknown }) => [
      entry.platform.architecture,
      entry.annotations,
    ]),
    [["amd64", undefined], ["arm64", undefined], ["amd64", mark], ["arm64", mark]],
  );
});

/** Flags of `add --artifact`, with the resulting types of the artifact, the configuration and the layer. */
const ARTIFACTS: readonly [flags: string[], type: string | undefined, config: string, layer: string][] = (() => {
  const empty = "application/vnd.oci.empty.v1+json";
  const unknown = "application/vnd.unknown.artifact.v1";
  const image = "application/vnd.oci.image.config.v1+json";
  return [
    [[], unknown, empty, "text/plain"],
    [["--artifact-type", "a/b"], "a/b", empty, "text/plain"],
    [["--artifact-type="], undefined, empty, "text/plain"],
    [["--artifact-layer-type", "c/d"], unknown, empty, "c/d"],
    [["--artifact-config", "CONFIG"], unknown, image, "text/plain"],
    [["--artifact-config="], unknown, empty, "text/plain"],
    [["--artifact-config", "CONFIG", "--artifact-config-type", "e/f"], unknown, "e/f", "text/plain"],
    [["--artifact-config-type", "e/f"], unknown, "e/f", "text/plain"],
    [["--artifact-exclude-titles", "--artifact-type", "a/b"], "a/b", empty, "text/plain"],
  ];
})();

Deno.test("podman: all forms of --artifact", async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  const { clean, inspect } = toolOn(at, "podman");
  await Deno.writeTextFile(`${at.folder}/text.txt`, "text\n");
  await Deno.writeFile(`${at.folder}/zeros`, new Uint8Array(200_000));
  await Deno.writeTextFile(`${at.folder}/config.json`, '{"a":1}');
  for (const [index, [flags, type, config, layer]] of ARTIFACTS.entries()) {
    const name = `list${index}`;
    const target = `${registry.host}/artifacts:${index}`;
    await clean("create", "--annotation", "global=local", name);
    const given = flags.map((flag) => flag.replace("CONFIG", `${at.folder}/config.json`));
    for (const file of ["text.txt", "zeros"]) {
      await clean("add", name, "--os=linux", "--arch=amd64", "--artifact", ...given, `${at.folder}/${file}`);
    }
    assert.equal((await inspect(name)).manifests.length, 2);
    await clean("push", "-q", "--tls-verify=false", name, target);
    const pushed = await inspect("--tls-verify=false", `docker://${target}`);
    assert.deepEqual(pushed.annotations, { global: "local" });
    assert.deepEqual(pushed.manifests[1].platform, { architecture: "amd64", os: "linux" });
    const repository = clientOf(registry.host).repository("artifacts");
    for (const [i, file] of ["text.txt", "zeros"].entries()) {
      const { digest, artifactType } = pushed.manifests[i];
      assert.equal(artifactType, type, flags.join(" "));
      const manifest = JSON.parse(new TextDecoder().decode((await repository.getManifest(digest)).bytes));
      assert.equal(manifest.artifactType, type, flags.join(" "));
      assert.equal(manifest.config.mediaType, config, flags.join(" "));
      const expected = layer === "text/plain" && file === "zeros" ? "application/octet-stream" : layer;
      assert.equal(manifest.layers[0].mediaType, expected, `${file} ${flags.join(" ")}`);
      const title = flags.includes("--artifact-exclude-titles") ? undefined : file;
      assert.equal(manifest.layers[0].annotations?.["org.opencontainers.image.title"], title);
    }
  }
});

Deno.test("podman: create and push without images, add, annotate, remove, exists, rm", async () => {
  await using at = await makeStore();
  const { registry, digests, list, host } = await startWithFive();
  await using _ = registry;
  const { clean, fails, inspect } = toolOn(at, "podman");
  for (const amend of ["--amend", "-a"]) {
    const id = await clean("create", "foo");
    await fails(125, /expected --annotation "x" to be in key=value format/, "create", "--annotation", "x", "bad");
    await fails(125, /image name "localhost\/foo:latest" is already associated with image /, "create", "foo");
    assert.equal(await clean("create", amend, "foo"), id);
    await clean("rm", "foo");
  }
  const id = await clean("create", "foo");
  await clean("inspect", id);
  assert.equal(
    await clean("add", "--tls-verify=false", "--arch=arm64", "foo", `docker://${host}/app@${digests[1]}`),
    id,
  );
  await clean("add", "--tls-verify=false", "--os-version", "7.7.7", "foo", `docker://${host}/app:s390x`);
  assert.deepEqual((await inspect("foo")).manifests[1].platform, {
    architecture: "s390x",
    os: "linux",
    "os.version": "7.7.7",
  });
  await fails(
    125,
    /no value given for annotation "hoge"/,
    "add",
    "--tls-verify=false",
    "--annotation",
    "hoge",
    "foo",
    list,
  );
  assert.equal((await inspect("foo")).manifests.length, 2, "nothing half done");
  await clean("add", "--all", "--tls-verify=false", "foo", list);
  assert.deepEqual(
    new Set((await inspect("foo")).manifests.map((m: { digest: string }) => m.digest)),
    new Set(digests),
  );
  await clean("annotate", "--annotation", "hello=world,withcomma", "--arch", "bar", "foo", digests[0]!);
  await clean("annotate", "--index", "--annotation", "top=bottom", "foo");
  const shown = await inspect("foo");
  const changed = shown.manifests.find((m: { digest: string }) => m.digest === digests[0]);
  assert.deepEqual([changed.annotations, changed.platform], [{ hello: "world,withcomma" }, {
    architecture: "bar",
    os: "linux",
  }]);
  assert.deepEqual([shown.mediaType, shown.annotations], [OCI_INDEX, { top: "bottom" }]);
  await clean("remove", "foo", digests[2]!);
  const bogus = `sha256:${"0".repeat(64)}`;
  await fails(125, /removing from manifest list foo: /, "remove", "foo", bogus);
  await clean("exists", "foo");
  await fails(1, /^$/, "exists", "nothing");
  await fails(125, /unknown format "bogus"/, "push", "-f", "bogus", "foo", `dir:${at.folder}/x`);
  await fails(
    125,
    /retrieving local image from image name badsrcvalue: badsrcvalue: image not known/,
    "push",
    "badsrcvalue",
    "x",
  );
  await fails(
    125,
    /invalid compression level/,
    "push",
    "--compression-format",
    "gzip",
    "--compression-level",
    "50",
    "foo",
    "oci:x",
  );
  await fails(
    1,
    / 2 errors occurred:\n\t\* nope: image not known\n\t\* neither: image not known/,
    "rm",
    "nope",
    "neither",
  );
  await clean("rm", "foo");
});

Deno.test("podman: push --rm and --purge delete the list, unless the push fails", async () => {
  await using at = await makeStore();
  const { registry, host } = await startWithFive();
  await using _ = registry;
  const { clean, fails, run } = toolOn(at, "podman");
  for (const flag of ["--rm", "--purge", "-p"]) {
    await clean("create", "foo");
    await clean("add", "--tls-verify=false", "foo", `docker://${host}/app:amd64`);
    const target = `dir:${at.folder}/${flag}`;
    const failed = await run("push", "-q", flag, "--tls-verify=false", "foo", "dir:/proc/none/x");
    assert.equal(failed.code, 125);
    await clean("push", "-q", flag, "--tls-verify=false", "foo", target);
    await fails(125, /foo: image not known/, "push", flag, "foo", target);
  }
  // With other names, only the one that was pushed is deleted; buildah would delete them all.
  const id = await clean("create", "foo");
  await run("tag", "foo", "bar");
  await fails(125, /by ID with more than one tag/, "push", "-q", "--rm", id, `dir:${at.folder}/byid`);
  await assert.rejects(Deno.stat(`${at.folder}/byid`), Deno.errors.NotFound);
  await clean("push", "-q", "--rm", "foo", `dir:${at.folder}/named`);
  assert.deepEqual((await at.store.findImage(id))?.image.names, ["localhost/bar:latest"]);
});

Deno.test("buildah: create --amend, --replace and both", async () => {
  await using at = await makeStore();
  const { registry, digests, host } = await startWithFive();
  await using _ = registry;
  const { clean, fails, inspect } = toolOn(at, "buildah");
  const id = await clean("create", "foo");
  await fails(125, /that name is already in use/, "create", "foo");
  assert.equal(await clean("create", "--amend", "foo"), id);
  const image = `docker://${host}/app:amd64`;
  assert.equal(await clean("create", "--amend", "--annotation", "red=blue", "--tls-verify=false", "foo", image), id);
  const shown = await inspect("foo");
  assert.deepEqual([shown.annotations, shown.manifests[0].digest], [{ red: "blue" }, digests[0]]);
  await fails(125, /mutually exclusive/, "create", "--amend", "--replace", "foo");
  const other = await clean("create", "--replace", "foo");
  assert.notEqual(other, id);
  assert.equal((await inspect("foo")).manifests, null);
  assert.equal((await inspect(id)).manifests.length, 1, "the previous owner of the name still exists");
});

Deno.test("buildah: add, annotate, remove and rm as in its tests", async () => {
  await using at = await makeStore();
  const { registry, digests, list, host } = await startWithFive();
  await using _ = registry;
  const { clean, fails, inspect } = toolOn(at, "buildah");
  const id = await clean("create", "foo");
  assert.equal(await clean("add", "--tls-verify=false", "--arch=arm64", "foo", list), `${id}: ${digests[1]}`);
  assert.equal(await clean("add", "--tls-verify=false", "--all", "foo", list), `${id}: ${digests[0]}`);
  await clean("annotate", "--annotation", "red=blue,green=yellow", "foo", digests[0]!);
  const flags = ["--os", "OperatingSystem", "--arch", "aRCHITECTURE", "--variant", "V", "--os-features", "oF1"];
  await clean("annotate", ...flags, "--os-features", "oF2", "foo", digests[1]!);
  await clean("annotate", "--subject", `docker://${host}/app:386`, "--tls-verify=false", "foo");
  const shown = await inspect("foo");
  const of = (digest: string) => shown.manifests.find((entry: { digest: string }) => entry.digest === digest);
  assert.deepEqual(of(digests[0]!).annotations, { red: "blue", green: "yellow" });
  assert.deepEqual(of(digests[1]!).platform, {
    architecture: "aRCHITECTURE",
    os: "OperatingSystem",
    "os.features": ["oF1", "oF2"],
    variant: "V",
  });
  assert.equal(shown.subject.digest, digests[4]);
  await clean("create", "plain");
  await clean("add", "--tls-verify=false", "--features", "f1", "--features", "f2,f3", "plain", list);
  assert.deepEqual((await inspect("plain")).manifests[0].platform.features, ["f1", "f2", "f3"]);
  await clean("rm", "plain");
  await clean("remove", "foo", digests[3]!);
  await fails(125, /./, "remove", "foo", `sha256:${"0".repeat(64)}`);
  assert.equal((await inspect("foo")).manifests.length, 4);
  await fails(125, /foo1: image not known/, "rm", "foo1");
  assert.equal(await clean("rm", "foo"), `untagged: localhost/foo:latest\n${id}`);
});

Deno.test("buildah: artifacts", async () => {
  await using at = await makeStore();
  const { registry, digests, host } = await startWithFive();
  await using _ = registry;
  const { clean, inspect } = toolOn(at, "buildah");
  const file = `${at.folder}/picture`;
  await Deno.writeTextFile(file, "not a picture");
  await clean("create", "foo");
  const flags = ["--artifact-type", "image/png", "--artifact-layer-type", "image/not-validated"];
  const more = ["--artifact-config-type", "text/x-not-really", "--artifact-annotation", "left=right,empty"];
  const subject = ["--artifact-subject", `docker://${host}/app:amd64`, "--tls-verify=false"];
  const added = await clean("add", "--artifact", ...flags, ...more, ...subject, "foo", file);
  const digest = added.split(" ").at(-1)!;
  assert.equal(await clean("annotate", "--annotation", "red=blue", "foo", file), added);
  const entry = (await inspect("foo")).manifests[0];
  assert.deepEqual([entry.artifactType, entry.annotations], ["image/png", { red: "blue" }]);
  await clean("push", "-q", "--all", "foo", `oci:${at.folder}/out`);
  const blob = async (digest: string) => await Deno.readTextFile(`${at.folder}/out/blobs/${digest.replace(":", "/")}`);
  assert.equal(await blob(digestOf(encode("not a picture"))), "not a picture");
  const manifest = await blob(digest);
  for (
    const part of [
      '"artifactType":"image/png"',
      '"mediaType":"image/not-validated"',
      '"mediaType":"text/x-not-really"',
      '"annotations":{"empty":"","left":"right"}',
      digests[0]!,
    ]
  ) assert.ok(manifest.includes(part), `${part} in ${manifest}`);
});

peerTest("buildah: lists of local images, by name and by id", ["buildah", "root"], async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  const { clean, inspect, fails } = toolOn(at, "buildah");
  const [amd64, arm64] = await buildImages(at, "test");
  await clean("create", "test:latest", amd64!);
  await clean("add", "--variant=variant-something", "test", arm64!);
  const platforms = async () => (await inspect("test")).manifests.map((m: { platform: unknown }) => m.platform);
  assert.deepEqual(await platforms(), [
    { architecture: "amd64", os: "linux" },
    { architecture: "arm64", os: "linux", variant: "variant-something" },
  ]);
  const image = await ok(["buildah", ...at.flags, "images", "-q", "--no-trunc", arm64!]);
  await clean("add", "test", image.replace("sha256:", ""));
  await fails(1, /^$/, "exists", "test2");
  const policy = `${at.folder}/policy.json`;
  await Deno.writeTextFile(policy, '{"default":[{"type":"insecureAcceptAnything"}]}');
  const flags = ["--signature-policy", policy, "--retry", "4", "--retry-delay", "4s", "-q", "--all"];
  await clean("push", ...flags, "test", `dir:${at.folder}/d`);
  await clean("push", ...flags, "--tls-verify=false", "test", `docker://${registry.host}/test:1`);
  for await (const { name } of Deno.readDir(`${at.folder}/d`)) {
    const hex = name.replace(".manifest.json", "");
    if (hex.length !== 64) continue;
    assert.equal(digestOf(await Deno.readFile(`${at.folder}/d/${name}`)), `sha256:${hex}`);
  }
});
