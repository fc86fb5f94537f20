/** Error messages: the reason of the failure, in the words of the user's task. */
import assert from "node:assert/strict";
import { MEDIA_TYPES } from "../../src/spec/room.ts";
import { cli, cliHere, cliOk } from "../support/cli.ts";
import { clientOf, encode, pushPlatforms } from "../support/images.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeStore } from "../support/stores.ts";

const INSECURE = "--tls-verify=false";

Deno.test("missing and superfluous arguments are named", async () => {
  const rows: [args: string[], stderr: RegExp][] = [
    [["copy", "a"], /missing argument DESTINATION\. Usage: manifests copy \[FLAGS\] SOURCE DESTINATION/],
    [["copy"], /missing arguments SOURCE DESTINATION\. /],
    [["exists", "a", "b"], /unexpected argument "b"\. /],
    [
      ["add", "--artifact", "list"],
      /missing argument FILE\. Usage: manifests add \[FLAGS\] --artifact LIST FILE\.\.\.\n/,
    ],
    [["add", "list"], /missing argument IMAGE\. /],
    [["inspect"], /missing argument IMAGE\. /],
    [["ls", "x"], /unexpected argument "x"\. Usage: manifests ls \[FLAGS\]\n/],
  ];
  for (const [args, stderr] of rows) {
    const result = await cli(args);
    assert.deepEqual([result.code, stderr.test(result.stderr)], [125, true], result.stderr);
  }
  const podman = await cli(["exists", "a", "b"], { MANIFESTS_PERSONA: "podman" });
  assert.deepEqual([podman.code, podman.stderr], [125, "Error: accepts 1 arg(s), received 2\n"]);
});

Deno.test("help on request is not a failure", async () => {
  for (const args of [["help"], ["--help"], ["help", "push"], ["push", "--help"]]) {
    const { code, stdout, stderr } = await cli(args);
    assert.deepEqual([code, stdout.includes("Usage:"), stderr], [0, true, ""], args.join(" "));
  }
  assert.equal((await cli([])).code, 125);
});

Deno.test("a store that cannot be created is an error, also for commands that only read", async () => {
  for (const args of [["ls"], ["exists", "x"], ["inspect", "x"]]) {
    const { code, stdout, stderr } = await cli(["--root", "/proc/nope", ...args]);
    assert.deepEqual([code, stdout, /Cannot create the store "\/proc\/nope"/.test(stderr)], [125, "", true], stderr);
  }
});

Deno.test("without a terminal, signing does not ask for a passphrase, and a missing key is reported first", async () => {
  await using at = await makeStore();
  await cliOk([...at.flags, "create", "list"]);
  const key = `${at.folder}/key.private`;
  const push = (...flags: string[]) => cli([...at.flags, "push", ...flags, "list", `oci:${at.folder}/out`]);
  const parameters = `${at.folder}/parameters.yaml`;
  await Deno.writeTextFile(parameters, `privateKeyFile: ${key}\n`);
  const signings = [["--sign-by-sigstore-private-key", key], ["--sign-by-sigstore", parameters]];
  for (const flags of signings) {
    const { stdout, stderr } = await push(...flags);
    assert.deepEqual([stdout, stderr.includes(`Cannot read private key "${key}"`)], ["", true], stderr);
  }
  await Deno.writeTextFile(key, "");
  for (const flags of [...signings, ["--creds", "me"]]) {
    const { stdout, stderr } = await push(...flags);
    assert.deepEqual(
      [stdout, /Cannot ask for the pass\w+ for .*: standard input is not a terminal\. (Use|Write) --/.test(stderr)],
      ["", true],
      stderr,
    );
  }
});

Deno.test("a push that fails writes no digest and no line about a manifest", async () => {
  await using at = await makeStore();
  await using from = startEmbedded();
  await pushPlatforms(from.host, "app", [{ architecture: "amd64" }, { architecture: "arm64" }]);
  await cliOk([...at.flags, "create", INSECURE, "list", `${from.host}/app:amd64`, `${from.host}/app:arm64`]);
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const refusing = `127.0.0.1:${listener.addr.port}`;
  listener.close();
  const file = `${at.folder}/digest`;
  const push = (to: string) =>
    cli([...at.flags, "push", INSECURE, "--retry", "0", "--digestfile", file, "list", `docker://${to}/app:1`]);
  const failed = await push(refusing);
  assert.deepEqual([failed.code, failed.stderr.includes("Writing manifest")], [125, false], failed.stderr);
  await assert.rejects(Deno.stat(file), Deno.errors.NotFound);
  const done = await push(from.host);
  assert.equal(done.stderr.match(/^Writing manifest to image destination$/gm)?.length, 2, done.stderr);
  assert.match(await Deno.readTextFile(file), /^sha256:/);
  // An existing file is not removed.
  await push(refusing);
  assert.match(await Deno.readTextFile(file), /^sha256:/);
});

Deno.test("inspect shows a nested index as an index, and add reports a missing platform instead of it", async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }, { architecture: "arm64" }]);
  const repository = clientOf(registry.host).repository("app");
  const entry = async (tag: string, platform?: object) => {
    const { digest, bytes, mediaType } = await repository.getManifest(tag);
    return { mediaType, digest, size: bytes.length, ...(platform ? { platform } : {}) };
  };
  const put = (tag: string, ...manifests: object[]) =>
    repository.putManifest(tag, encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests }));
  await put("inner", await entry("arm64", { os: "linux", architecture: "arm64" }));
  await put("outer", await entry("amd64", { os: "linux", architecture: "amd64" }), await entry("inner"));
  const image = `docker://${registry.host}/app:outer`;
  const table = await cliOk([...at.flags, "inspect", INSECURE, "--format", "table", image]);
  assert.match(table, /\n- +sha256:\w+ +- +- +index of 1 image: linux\/arm64$/);
  assert.match(
    await cliOk([...at.flags, "inspect", INSECURE, "--format", "tree", image]),
    /no platform sha256:\w+ index\n {3}└─ linux\/arm64 sha256:/,
  );
  await cliOk([...at.flags, "create", "list"]);
  const { stderr } = await cli([...at.flags, "add", INSECURE, "--arch", "sparc", "list", image]);
  assert.match(
    stderr,
    /it has no image for linux\/sparc: it has only linux\/amd64.*; the index sha256:\w+ inside it is not searched/,
  );
  // An index of artifacts has no images, whatever the platforms of its entries say.
  const artifact = { ...await entry("amd64", { os: "linux", architecture: "arm64" }), artifactType: "application/x" };
  await put("artifacts", artifact);
  await put("plain", await entry("amd64"), await entry("arm64"));
  const rows: [args: string[], stderr: RegExp][] = [
    [
      ["add", "--arch", "sparc", "list", "artifacts"],
      /has no images, only artifacts or attestations: add all its entries/,
    ],
    [["create", "--arch", "sparc", "other", "artifacts"], /has no images, only artifacts or attestations: add all its/],
    [["digest", "--platform", "linux/sparc", "plain"], /: none of its entries has a platform\n$/],
    [["digest", "--platform", "linux/sparc", "inner"], /: it has only linux\/arm64\n$/],
  ];
  for (const [[command, ...args], expected] of rows) {
    const operands = args.with(-1, `docker://${registry.host}/app:${args.at(-1)}`);
    const failed = await cliHere([...at.flags, command!, INSECURE, ...operands]);
    assert.equal(failed.code, 125);
    assert.match(failed.stderr, expected);
  }
});

Deno.test("compose and release warn of a declared platform that contradicts the image", async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  const { host } = registry;
  await pushPlatforms(host, "app", [{ architecture: "amd64" }]);
  const file = `${at.folder}/manifests.yaml`;
  const sources = [{ image: `${host}/app:amd64`, platform: "linux/arm64" }];
  await Deno.writeTextFile(file, JSON.stringify({ version: 1, releases: { app: { to: [`${host}/app:r`], sources } } }));
  const as = (platform: string) => ["compose", "-q", "-t", `${host}/app:made`, "--as", `${platform}=${host}/app:amd64`];
  const warning = /^Warning: sha256:\w+ of docker:.* is recorded for linux\/arm64, but is for linux\/amd64$/m;
  const rows: [args: string[], warns: boolean][] = [
    [as("linux/arm64"), true],
    [[...as("linux/arm64"), "--allow-platform-mismatch"], false],
    [as("linux/amd64"), false],
    // A variant that the image does not have contradicts nothing.
    [as("linux/amd64/v2"), false],
    [["release", "apply", "-q", "--file", file], true],
  ];
  for (const [args, warns] of rows) {
    const { code, stderr } = await cliHere([...args, INSECURE]);
    assert.deepEqual([code, warning.test(stderr)], [0, warns], `${args.join(" ")}: ${stderr}`);
  }
});
