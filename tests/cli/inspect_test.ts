/** `inspect` as a table, a tree and JSON: attestations, nested indexes, versions, digests, and what cannot be read. */
import assert from "node:assert/strict";
import { describeImage } from "../../mod.ts";
import { measureWidth } from "../../src/cli/format/width.ts";
import { digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";
import { cli, cliOk } from "../support/cli.ts";
import { makeAttestation, pushEntries } from "../support/buildkit.ts";
import { clientOf, encode, makeImage, pushImage } from "../support/images.ts";
import { ok, peerTest } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";

const INSECURE = "--tls-verify=false";
const ARCHITECTURES = ["386", "amd64", "arm", "arm64", "loong64", "mips64le", "ppc64le", "riscv64", "s390x"];
const PREDICATES = [
  ["https://spdx.dev/Document", { name: "sbom of the image" }],
  ["https://slsa.dev/provenance/v0.2", { builder: { id: "https://builder.example" } }],
] as const;

/** Starts a registry with a list of ten platforms with ten attestations, and returns what was pushed. */
async function startWithTen() {
  const registry = startEmbedded();
  const repository = clientOf(registry.host).repository("app");
  const images = [
    ...ARCHITECTURES.map((architecture) => makeImage({ architecture })),
    makeImage({ os: "windows", architecture: "amd64", osVersion: "10.0.20348.2700" }),
  ];
  const entries = images.map((image, i) => ({
    image,
    platform: i < ARCHITECTURES.length
      ? { os: "linux", architecture: ARCHITECTURES[i]! }
      : { os: "windows", architecture: "amd64", "os.version": "10.0.20348.2700" },
    annotations: {
      "org.opencontainers.image.url": "https://example.org/a/long/address/of/the/image/with/its/platform",
    },
  }));
  const attestations = images.map((image) => makeAttestation(image, PREDICATES));
  const digest = await pushEntries(repository, "1", [...entries, ...attestations]);
  return { registry, repository, images, attestations, digest, at: `docker://${registry.host}/app:1` };
}

Deno.test("a table of ten platforms and ten attestations is readable", async () => {
  const { registry, repository, images, attestations, digest, at } = await startWithTen();
  await using _ = registry;
  const run = (...flags: string[]) => cliOk(["inspect", INSECURE, ...flags, at]);
  const lines = (await run("--format", "table")).split("\n");
  assert.deepEqual(lines.slice(0, 2), [at, `${digest} (${MEDIA_TYPES.ociIndex})`]);
  const attested = lines.filter((line) => line.includes("attestation of "));
  assert.deepEqual(
    attested.map((line) => line.slice(line.indexOf("attestation of "))),
    [...ARCHITECTURES.map((name) => `linux/${name}`), "windows/amd64:10.0.20348.2700"].map((name) =>
      `attestation of ${name}: spdx, provenance`
    ),
  );
  assert.ok(attested.slice(0, -1).every((line) => measureWidth(line) <= 80), attested.join("\n"));
  assert.ok(lines.some((line) => /^windows\/amd64:10\.0\.20348\.2700 +sha256:\w{12} /.test(line)));
  const full = await run("--format", "table", "--no-trunc");
  for (const image of [...images, ...attestations.map(({ image }) => image)]) assert.ok(full.includes(image.digest));
  const tree = await run("--format", "tree");
  assert.match(tree, /─ attestation of linux\/386: spdx, provenance sha256:\w{64} /);
  // The reason for a missing manifest is printed in full, and the rest is shown.
  await repository.deleteManifest(images[0]!.digest);
  const damaged = await run("--format", "table");
  assert.match(damaged, /^linux\/386 +sha256:\w{12} +\? +\? +cannot be read, /m);
  assert.match(damaged, /^linux\/386 sha256:\w{12} cannot be read: .*MANIFEST_UNKNOWN/m);
  assert.match(damaged, /^linux\/amd64 /m);
  assert.match(JSON.parse(await run("--format", "json")).manifests[0].problem, /MANIFEST_UNKNOWN/);
});

peerTest("a table is cut to the width of the terminal", ["tmux"], async () => {
  const { registry, at } = await startWithTen();
  await using _ = registry;
  const { runInTerminal } = await import("../support/terminal.ts");
  await using terminal = await runInTerminal(["inspect", INSECURE, "--format", "table", at], { columns: 80, rows: 50 });
  const lines = await terminal.waitFor((lines) => lines.includes("exit code 0"));
  const rows = lines.filter((line) => /^(linux|windows)\//.test(line));
  assert.equal(rows.length, 10);
  assert.ok(rows.every((line) => line.endsWith("…") && measureWidth(line) <= 80), rows.join("\n"));
  assert.equal(lines.filter((line) => line.includes("attestation of")).length, 10);
  assert.equal(lines.indexOf("exit code 0"), 25);
});

Deno.test("nested indexes are described with their instances, up to a limit", async () => {
  await using registry = startEmbedded();
  const repository = clientOf(registry.host).repository("app");
  await pushImage(repository, makeImage({ architecture: "arm64" }), "image");
  let inner = {
    ...(await repository.headManifest("image"))!,
    platform: { os: "linux", architecture: "arm64" },
  } as object;
  for (let depth = 0; depth < 12; depth++) {
    const index = { schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [inner] };
    await repository.putManifest(`level${depth}`, encode(index));
    inner = (await repository.headManifest(`level${depth}`))!;
  }
  const systemContext = { dockerInsecureSkipTlsVerify: true };
  const two = await describeImage(`docker://${registry.host}/app:level1`, { systemContext });
  assert.deepEqual(
    two.instances[0]!.instances!.map(({ platform, layers }) => [platform!.architecture, layers.length]),
    [
      ["arm64", 1],
    ],
  );
  let deepest = (await describeImage(`docker://${registry.host}/app:level11`, { systemContext })).instances[0]!;
  while (deepest.instances) deepest = deepest.instances[0]!;
  assert.deepEqual([deepest.problem, deepest.mediaType], [undefined, MEDIA_TYPES.ociIndex]);
});

const JQ_ROWS: Record<string, (facts: { digest: string; digests: string[] }) => string> = {
  ".digest": ({ digest }) => digest,
  ".manifests[] | {digest, platform}": ({ digests }) => digests[0]!,
  '.manifests[] | select(.platform.architecture == "arm64").digest': ({ digests }) => digests[1]!,
  ".manifests[] | select(.attestation | not).digest": ({ digests }) => digests.slice(0, 2).join("\n"),
  '.images["linux/amd64"].config.Labels.color': () => "blue",
  ".images[].config.Labels.color": () => "blue\nnull",
  '.manifests[] | "\\(.platformString) \\(.digest)"': ({ digests }) => `linux/amd64 ${digests[0]}`,
  '.provenance["linux/amd64"].SLSA.builder.id': () => "https://builder.example",
  '.sbom["linux/amd64"].SPDX.name': () => "sbom of the image",
  ".descriptor.digest": ({ digest }) => digest,
  '.images[] | "\\(.os)/\\(.architecture)"': () => "linux/amd64\nlinux/arm64",
  '.manifests[] | select(.platformString == "linux/amd64").layers | length': () => "1",
  '.manifests[] | select(.platformString == "linux/amd64").totalSize': () => "",
  '.annotations["org.example.team"]': () => "release",
  '"\\(.mediaType) \\(.isIndex)"': () => `${MEDIA_TYPES.ociIndex} true`,
};

peerTest("the jq expressions of docs/formats.md print what the templates of other tools print", ["jq"], async () => {
  await using registry = startEmbedded();
  const repository = clientOf(registry.host).repository("app");
  const images = ["amd64", "arm64"].map((architecture) => makeImage({ architecture }));
  const labels = { Labels: { color: "blue" } };
  images[0] = withConfig(images[0]!, labels);
  const attestation = makeAttestation(images[0]!, PREDICATES);
  await pushEntries(repository, "entries", [
    ...images.map((image, i) => ({ image, platform: { os: "linux", architecture: ["amd64", "arm64"][i]! } })),
    attestation,
  ]);
  const { bytes } = await repository.getManifest("entries");
  const index = { ...JSON.parse(new TextDecoder().decode(bytes)), annotations: { "org.example.team": "release" } };
  const digest = await repository.putManifest("1", encode(index));
  const digests = [...images, attestation.image].map(({ digest }) => digest);
  const args = ["inspect", INSECURE, "--format", "json", "--attestations", `docker://${registry.host}/app:1`];
  const text = await cliOk(args);
  const file = await Deno.makeTempFile({ suffix: ".json" });
  await Deno.writeTextFile(file, text);
  const document = await Deno.readTextFile(new URL("../../docs/formats.md", import.meta.url));
  const section = /\| elsewhere[^]*?\n\n/.exec(document)![0].trim().split("\n").slice(2);
  const expressions = section.map((row) => /`((?:[^`])+)` *\|$/.exec(row)![1]!.replaceAll("\\|", "|"));
  assert.ok(expressions.length >= 15);
  for (const expression of expressions) {
    const expected = JQ_ROWS[expression];
    assert.ok(expected, expression);
    assert.ok((await ok(["jq", "-r", expression, file])).includes(expected({ digest, digests })), expression);
  }
  // The document of podman is part of it, and no member of the index is replaced.
  const value = JSON.parse(text);
  assert.deepEqual(value.annotations, index.annotations);
  for (const [i, entry] of index.manifests.entries()) {
    for (const [name, member] of Object.entries(entry)) assert.deepEqual(value.manifests[i][name], member);
  }
  assert.deepEqual(value.manifests[2].for, digests[0]);
  await Deno.remove(file);
  // Without the flag, attestations are not read; podman has no such format.
  assert.equal(JSON.parse(await cliOk(args.filter((arg) => arg !== "--attestations"))).provenance, undefined);
  const podman = await cli(args, { MANIFESTS_PERSONA: "podman" });
  assert.equal(JSON.parse(podman.stdout).isIndex, undefined);
});

/** Returns an image with another `config` member of its configuration. */
function withConfig(image: ReturnType<typeof makeImage>, config: object): ReturnType<typeof makeImage> {
  const manifest = JSON.parse(new TextDecoder().decode(image.manifest));
  const at = image.blobs.findIndex(({ descriptor }) => descriptor.digest === manifest.config.digest);
  const bytes = encode({ ...JSON.parse(new TextDecoder().decode(image.blobs[at]!.bytes)), config });
  const descriptor = { ...image.blobs[at]!.descriptor, digest: digestOf(bytes), size: bytes.length };
  const changed = encode({
    ...manifest,
    config: { ...manifest.config, digest: descriptor.digest, size: bytes.length },
  });
  return { ...image, manifest: changed, digest: digestOf(changed), blobs: image.blobs.with(at, { descriptor, bytes }) };
}
