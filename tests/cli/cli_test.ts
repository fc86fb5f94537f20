import assert from "node:assert/strict";
import { formatError } from "../../src/cli/errors.ts";
import { CLI, cli, cliOk } from "../support/cli.ts";
import { clientOf, pushPlatforms } from "../support/images.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeStore } from "../support/stores.ts";

const PLATFORMS = [{ architecture: "amd64" }, { architecture: "arm64", variant: "v8" }];

Deno.test("a list is created, filled, annotated, shown, pushed, emptied and deleted", async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  const [amd64, arm64] = await pushPlatforms(registry.host, "app", PLATFORMS);
  const image = (tag: string) => `docker://${registry.host}/app:${tag}`;
  const id = await cliOk([...at.flags, "manifest", "create", "--tls-verify=false", "list", image("amd64")]);
  assert.match(id, /^[0-9a-f]{64}$/);
  assert.equal(
    await cliOk([...at.flags, "add", "list", image("arm64v8"), "--tls-verify=false", "--annotation", "a=<b>,c"]),
    `${id}: ${arm64}`,
  );
  assert.equal(
    await cliOk([...at.flags, "annotate", "--os-version", "1.2", "--os-features", "x,y", "list", arm64!]),
    `${id}: ${arm64}`,
  );
  assert.equal(await cliOk([...at.flags, "annotate", "--index", "--annotation", "k=v", "list"]), id);
  const shown = JSON.parse(await cliOk([...at.flags, "inspect", "list"]));
  assert.deepEqual(shown, {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [
      { ...shown.manifests[0], digest: amd64, platform: { architecture: "amd64", os: "linux" } },
      {
        ...shown.manifests[1],
        digest: arm64,
        platform: { architecture: "arm64", os: "linux", "os.version": "1.2", "os.features": ["x", "y"], variant: "v8" },
        annotations: { a: "<b>,c" },
      },
    ],
    annotations: { k: "v" },
  });
  const digestFile = `${at.folder}/digest`;
  const pushed = await cli([
    ...at.flags,
    "push",
    "--tls-verify=false",
    "--digestfile",
    digestFile,
    "list",
    `${registry.host}/out:1`,
  ]);
  assert.equal(pushed.code, 0);
  assert.match(pushed.stderr, /^Getting image list signatures\nCopying 2 images generated from 2 images in list\n/);
  const remote = (await clientOf(registry.host).repository("out").headManifest("1"))!;
  assert.equal(await Deno.readTextFile(digestFile), remote.digest);
  assert.equal(pushed.stdout, `${remote.digest}\n`);
  const shownRemote = JSON.parse(
    await cliOk([...at.flags, "inspect", "--tls-verify=false", `docker://${registry.host}/out:1`]),
  );
  assert.equal(shownRemote.manifests.length, 2);
  assert.equal(await cliOk([...at.flags, "remove", "list", amd64!]), `${id}: ${amd64}`);
  const quiet = await cli([...at.flags, "push", "-q", "--rm", "--tls-verify=0", "list", `${registry.host}/out:2`]);
  const rest = (await clientOf(registry.host).repository("out").headManifest("2"))!;
  assert.deepEqual(quiet, { code: 0, stdout: `${rest.digest}\n`, stderr: "" });
  assert.equal((await cli([...at.flags, "exists", "list"])).code, 1);
});

Deno.test("create saves all images or nothing, and supports --amend and --replace", async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  await pushPlatforms(registry.host, "app", PLATFORMS);
  const image = `docker://${registry.host}/app:amd64`;
  const failed = await cli([
    ...at.flags,
    "create",
    "--tls-verify=false",
    "list",
    image,
    `docker://${registry.host}/app:none`,
  ]);
  assert.equal(failed.code, 125);
  assert.match(failed.stderr, /^Error: .*manifests\/none.*MANIFEST_UNKNOWN.*\n$/);
  assert.equal((await at.store.listImages()).length, 0);
  const id = await cliOk([...at.flags, "create", "list"]);
  const taken = await cli([...at.flags, "create", "list"]);
  assert.deepEqual([taken.code, taken.stdout], [125, ""]);
  assert.match(taken.stderr, /localhost\/list:latest.*already in use/);
  assert.equal(await cliOk([...at.flags, "create", "--amend", "--tls-verify=false", "list", image]), id);
  assert.equal(JSON.parse(await cliOk([...at.flags, "inspect", "list"])).manifests.length, 1);
  const other = await cliOk([...at.flags, "create", "--replace", "list"]);
  assert.notEqual(other, id);
  assert.deepEqual((await at.store.findImage(id))!.image.names, []);
});

Deno.test("twelve concurrent create --amend of a new list lose no image", async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  const variants = Array.from({ length: 12 }, (_, i) => `x${i}`);
  await pushPlatforms(registry.host, "app", variants.map((variant) => ({ architecture: "arm64", variant })));
  const ids = await Promise.all(
    variants.map((variant) =>
      cliOk([...at.flags, "create", "--amend", "--tls-verify=false", "list", `${registry.host}/app:arm64${variant}`])
    ),
  );
  assert.equal(new Set(ids).size, 1);
  assert.equal(JSON.parse(await cliOk([...at.flags, "inspect", "list"])).manifests.length, 12);
});

Deno.test("list flags are parsed as CSV, and empty ones change nothing", async () => {
  await using at = await makeStore();
  await cliOk([...at.flags, "create", "list"]);
  await Deno.writeTextFile(`${at.folder}/f`, "x");
  const added = await cliOk([...at.flags, "add", "--artifact", "list", `${at.folder}/f`]);
  const digest = added.split(": ")[1]!;
  const features = async (...flags: string[]) => {
    await cliOk([...at.flags, "annotate", ...flags, "list", digest]);
    return JSON.parse(await cliOk([...at.flags, "inspect", "list"])).manifests[0].platform["os.features"];
  };
  assert.deepEqual(await features("--os-features", '"a,b",c', "--os-features", "d"), ["a,b", "c", "d"]);
  assert.deepEqual(await features("--os-features", ""), ["a,b", "c", "d"]);
  assert.match((await cli(["--version"])).stdout, /^\d+\.\d+\.\d+\n$/);
});

Deno.test("artifacts are added by file and found by file", async () => {
  await using at = await makeStore();
  await cliOk([...at.flags, "create", "list"]);
  const file = `${at.folder}/sbom.json`;
  await Deno.writeTextFile(file, "{}");
  const added = await cliOk([...at.flags, "add", "--artifact", "--artifact-type", "a/b", "list", file]);
  const shown = JSON.parse(await cliOk([...at.flags, "inspect", "list"])).manifests[0];
  assert.deepEqual([shown.files, shown.artifactType], [[file], "a/b"]);
  assert.ok(added.endsWith(shown.digest));
  await cliOk([...at.flags, "annotate", "--annotation", "a=b", "list", file]);
  await cliOk([...at.flags, "remove", "list", file]);
  assert.equal(JSON.parse(await cliOk([...at.flags, "inspect", "list"])).manifests, null);
});

Deno.test("invalid command lines fail with one line of explanation and exit code 125", async () => {
  await using at = await makeStore();
  const id = await at.store.createImage({
    names: ["localhost/img:latest"],
    data: [{ key: "manifest", bytes: new TextEncoder().encode("{}") }],
  });
  await cliOk([...at.flags, "create", "list"]);
  const zero = `sha256:${"0".repeat(64)}`;
  const rows: [string[], RegExp][] = [
    [["create"], /missing argument LIST/],
    [["bogus"], /unknown command "bogus"/],
    [["push", "--bogus", "list"], /unknown flag: --bogus/],
    [["create", "UPPER"], /must be lowercase/],
    [["create", ""], /at least one component/],
    [["create", "a:b:c"], /invalid reference format/],
    [["create", "--annotation", "x", "new"], /no "=" found in annotation "x"/],
    [["create", "--amend", "--replace", "new"], /mutually exclusive/],
    [["push", "--all=maybe", "list"], /invalid argument "maybe" for "--all" flag/],
    [["push", "nolist"], /nolist: image not known/],
    [["push", "img"], /localhost\/img:latest: image is not a manifest list/],
    [["exists", "img"], /localhost\/img:latest: image is not a manifest list/],
    [["rm", "img"], /image is not a manifest list/],
    [["add", "nolist", "x"], /nolist: image not known/],
    [["add", "list", "oci:/nowhere"], /no index.json/],
    [["add", "list", "sif:/x"], /the transport sif: is not supported/],
    [["push", "--format", "x", "list", "dir:/nowhere/x"], /unknown format "x"/],
    [["push", "--compression-format", "lz4", "list", "dir:/nowhere/x"], /cannot find compressor for it/],
    [["push", "--compression-level", "x", "list", "dir:/nowhere/x"], /must be a whole number/],
    [["push", "--compression-level", "10", "list", "dir:/nowhere/x"], /invalid compression level/],
    [["push", "--force-compression", "list", "dir:/nowhere/x"], /--force-compression requires --compression-format/],
    [["push", "--retry-delay", "soon", "list", "dir:/nowhere/x"], /must be a duration/],
    [["push", "list", `docker-archive:${at.folder}/x`], /only single images/],
    [["add", "--artifact-type", "x", "list", "y"], /--artifact-type requires --artifact/],
    [["add", "--creds", ":pw", "list", "y"], /USER:PASSWORD/],
    [
      ["add", "--creds", "a:b", "list", "x.example/y", "y.example/z"],
      /--creds must name a registry, since several are used/,
    ],
    [["add", "--insecure", "--tls-verify", "list", "y"], /--insecure may not be used with --tls-verify/],
    [["annotate", "list"], /expected an instance digest/],
    [["annotate", "--index", "list", zero], /did not expect/],
    [["annotate", "--index", "--arch", "x", "list"], /--index is not compatible with --arch/],
    [["annotate", "--os", "x", "list", zero], /no image instance matching/],
    [["remove", "list", zero], /no image instance matching/],
    [["inspect", "docker://127.0.0.1:1/x"], /Cannot reach the registry 127\.0\.0\.1:1/],
    [["create", "oci:foo"], /cannot begin with a transport/],
    [["inspect", "127.0.0.1:1/x"], /no local list "127\.0\.0\.1:1\/x", and in a registry/],
    [["push", "list"], /Cannot push "localhost\/list:latest": the name does not contain a registry/],
    [["push", "--digestfile", "/nowhere/x", "list", "127.0.0.1:1/x"], /\/nowhere\/x/],
    [["annotate", "--os", "x", "list", "sha256:abc"], /invalid checksum digest length/],
    [["--storage-driver", "nope", "exists", "list"], /one of overlay/],
    [["exists", "docker://x"], /unsupported transport "docker"/],
  ];
  const conf = `${at.folder}/containers.conf`;
  await Deno.writeTextFile(conf, "[engine]\nretry = 0\n");
  for (const [args, message] of rows) {
    const { code, stdout, stderr } = await cli([...at.flags, ...args], { CONTAINERS_CONF_OVERRIDE: conf });
    assert.deepEqual([code, stdout], [125, ""], args.join(" "));
    assert.match(stderr, message);
    assert.match(stderr, /^Error: /);
  }
  const unknown = await cli([...at.flags, "rm", "nolist"]);
  assert.deepEqual([unknown.code, unknown.stderr], [1, "Error: nolist: image not known\n"]);
  assert.equal((await cli([...at.flags, "rm", "--ignore", "nolist"])).code, 0);
  assert.equal((await at.store.listImages()).length, 2);
  assert.ok(id);
});

Deno.test("--arch chooses an image, and rejects an image of another architecture", async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  const [, arm64] = await pushPlatforms(registry.host, "app", PLATFORMS);
  await cliOk([
    ...at.flags,
    "create",
    "--all",
    "--tls-verify=false",
    "both",
    `${registry.host}/app:amd64`,
    `${registry.host}/app:arm64v8`,
  ]);
  await cliOk([...at.flags, "push", "-q", "--tls-verify=false", "both", `${registry.host}/app:both`]);
  const id = await cliOk([...at.flags, "create", "list"]);
  const chosen = await cliOk([
    ...at.flags,
    "add",
    "--tls-verify=false",
    "--arch",
    "arm64",
    "--os",
    "linux",
    "list",
    `${registry.host}/app:both`,
  ]);
  assert.equal(chosen, `${id}: ${arm64}`);
  const refused = await cli([
    ...at.flags,
    "add",
    "--tls-verify=false",
    "--arch",
    "s390x",
    "list",
    `${registry.host}/app:amd64`,
  ]);
  assert.equal(refused.code, 125);
  assert.match(refused.stderr, /is for architecture "amd64", not "s390x"/);
  assert.equal(JSON.parse(await cliOk([...at.flags, "inspect", "list"])).manifests.length, 1);
});

for (const [signal, exitCode, word] of [["SIGINT", 130, "interrupted"], ["SIGTERM", 143, "terminated"]] as const) {
  Deno.test(`a push ended by ${signal} has the exit code of the signal and leaves no index`, async () => {
    await using at = await makeStore();
    await using registry = startEmbedded();
    await pushPlatforms(registry.host, "app", PLATFORMS);
    await cliOk([...at.flags, "create", "--tls-verify=false", "list", `${registry.host}/app:amd64`]);
    const stalled = Promise.withResolvers<void>();
    const release = Promise.withResolvers<void>();
    const slow = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async (request) => {
      if (request.url.endsWith("/v2/")) return new Response("");
      stalled.resolve();
      await release.promise;
      return new Response("", { status: 404 });
    });
    const args = [
      ...CLI.slice(1),
      ...at.flags,
      "push",
      "-q",
      "--tls-verify=false",
      "list",
      `127.0.0.1:${slow.addr.port}/x:1`,
    ];
    const child = new Deno.Command(CLI[0]!, { args, stderr: "piped", stdout: "null" }).spawn();
    await stalled.promise;
    child.kill(signal);
    const { code, stderr } = await child.output();
    release.resolve();
    await slow.shutdown();
    assert.equal(code, exitCode);
    const saying = word[0]!.toUpperCase() + word.slice(1);
    assert.equal(
      new TextDecoder().decode(stderr),
      `${saying}: cleaning up; a second signal exits at once\nError: ${word}\n`,
    );
  });
}

Deno.test("formatError() writes a chain of causes on one line without repetition", () => {
  const inner = new Error("disk\nfull");
  assert.equal(formatError(new Error("Cannot save", { cause: inner })), "Cannot save: disk full");
  assert.equal(formatError(new Error("Cannot save: disk\nfull", { cause: inner })), "Cannot save: disk full");
  assert.equal(formatError("text"), "text");
});
