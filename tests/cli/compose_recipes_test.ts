/**
 * One line of ours for each recipe of the tools that people come from: docker/build-push-action, docker-manifest-create,
 * imagetools, manifest-tool, regctl, oras, crane, goreleaser, konflux, rules_oci.
 */
import assert from "node:assert/strict";
import { copyImage } from "../../mod.ts";
import { acceptAnything } from "../../src/signature/mod.ts";
import { formatPlatform, parsePlatform, type Platform } from "../../src/spec/room.ts";
import { pushBuildKit } from "../support/buildkit.ts";
import { cli, cliOk } from "../support/cli.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf, makeImage, pushImage } from "../support/images.ts";
import { startEmbedded } from "../support/registries.ts";

const INSECURE = "--tls-verify=false";
const PLATFORMS = ["linux/amd64", "linux/arm64", "linux/arm/v7"];

/** A registry with images and BuildKit indexes, tagged by their platforms: `1-arm64`, `built-arm64`. */
async function startRegistry() {
  const registry = startEmbedded();
  const repository = clientOf(registry.host).repository("me/app");
  const built = new Map<string, { digest: string; images: string[] }>();
  for (const text of PLATFORMS) {
    const platform = parsePlatform(text);
    const name = `${platform.architecture}${platform.variant ?? ""}`;
    await pushImage(repository, makeImage(platform), `1-${name}`);
    built.set(name, await pushBuildKit(repository, `built-${name}`, [platform]));
  }
  const image = `${registry.host}/me/app`;
  return { registry, repository, built, image, at: (tag: string) => `${image}:${tag}` };
}

type World = Awaited<ReturnType<typeof startRegistry>>;

/** The entries of an index as texts: platforms; `@` for an attestation. */
async function listEntries({ repository }: World, tag: string): Promise<string[]> {
  const index = JSON.parse(new TextDecoder().decode((await repository.getManifest(tag)).bytes));
  return index.manifests.map(({ platform }: { platform?: Platform & { "os.version"?: string } }) => {
    if (platform?.os === "unknown") return "@";
    return platform ? formatPlatform({ ...platform, osVersion: platform["os.version"] ?? "" }) : "-";
  });
}

const run = (...args: string[]) => cliOk(["compose", INSECURE, "-q", ...args]);

folderTest("merge jobs of GitHub and GitLab: digests, lines, JSON of docker/metadata-action", async (folder) => {
  const world = await startRegistry();
  await using _ = world.registry;
  const { built, image, at, repository } = world;
  for (const { digest } of built.values()) await Deno.writeTextFile(`${folder}/${digest.slice(7)}`, "");
  const metadata = { tags: [at("1.2.3"), at("latest")], annotations: ["manifest:a=b", "index:a=b"] };
  await Deno.writeTextFile(`${folder}.json`, JSON.stringify(metadata));
  try {
    const required = ["--require", PLATFORMS.join(",")];
    const tags = ["--tags", JSON.stringify(metadata)];
    const printed = await run(...tags, "--digests", folder, ...required, "--annotations-from", `${folder}.json`);
    const digest = (await repository.headManifest("latest"))!.digest;
    assert.equal(printed, `${image}@${digest}`);
    assert.deepEqual(await listEntries(world, "1.2.3"), ["linux/amd64", "@", "linux/arm/v7", "@", "linux/arm64", "@"]);
    const { annotations } = JSON.parse(new TextDecoder().decode((await repository.getManifest("latest")).bytes));
    assert.deepEqual(annotations, { a: "b" });
    // A job that uploaded no digest is noticed, and the tags stay.
    await Deno.remove(`${folder}/${built.get("arm64")!.digest.slice(7)}`);
    const { code, stderr } = await cli(["compose", INSECURE, ...tags, "--digests", folder, ...required]);
    assert.equal(code, 125);
    assert.match(stderr, /linux\/arm64/);
    assert.equal((await repository.headManifest("latest"))!.digest, digest);
    // int128/docker-manifest-create-action
    const sources = [at("built-amd64"), at("built-arm64")].join("\n");
    const digestfile = `${folder}.digest`;
    await run(
      "--tags",
      `${at("a")}\n${at("b")}\n`,
      "--sources",
      sources,
      "--annotation",
      "k=v",
      "--digestfile",
      digestfile,
    );
    assert.equal(await Deno.readTextFile(digestfile), (await repository.headManifest("b"))!.digest);
    await Deno.remove(digestfile);
  } finally {
    await Deno.remove(`${folder}.json`);
  }
});

folderTest("manifest-tool, Drone and Jenkins: template and spec file", async (folder) => {
  const world = await startRegistry();
  await using _ = world.registry;
  const { image, at, registry } = world;
  const platforms = ["--platform", "linux/amd64,linux/arm/v7", "--platform", "linux/s390x"];
  const template = ["--template", `${image}:1-ARCHVARIANT`, "--template-style", "manifest-tool", ...platforms];
  await run("-t", at("t1"), "-t", at("t2"), ...template, "--ignore-missing");
  assert.deepEqual(await listEntries(world, "t2"), ["linux/amd64", "linux/arm/v7"]);
  const spec = `
image: ${at("s1")}
tags: [s2]
manifests:
  - image: ${at("1-amd64")}
    platform: { architecture: amd64, os: windows, os.version: "10.0.20348.1" }
  - image: ${at("1-armv7")}
    platform: { architecture: arm, os: linux, variant: v6 }
`;
  await Deno.writeTextFile(`${folder}/spec.yaml`, spec);
  await run("--spec", `${folder}/spec.yaml`, "--format", "v2s2");
  assert.deepEqual(await listEntries(world, "s2"), ["windows/amd64:10.0.20348.1", "linux/arm/v6"]);
  const { mediaType } = await clientOf(registry.host).repository("me/app").getManifest("s1");
  assert.equal(mediaType, "application/vnd.docker.distribution.manifest.list.v2+json");
});

folderTest("imagetools: descriptors, append, a subset, a carbon copy, metadata", async (folder) => {
  const world = await startRegistry();
  await using _ = world.registry;
  const { image, at, repository } = world;
  const { digest } = (await repository.headManifest("1-amd64"))!;
  const platform = { os: "windows", architecture: "amd64", "os.version": "10.0.20348.1" };
  await Deno.writeTextFile(`${folder}/win.json`, `${JSON.stringify({ digest, platform, size: 1 })}\n`);
  const metadata = `${folder}/metadata.json`;
  await run("-t", at("f"), "-f", `${folder}/win.json`, at("1-arm64"), "--metadata-file", metadata);
  assert.deepEqual(await listEntries(world, "f"), ["linux/arm64", "windows/amd64:10.0.20348.1"]);
  const written = JSON.parse(await Deno.readTextFile(metadata));
  const index = (await repository.headManifest("f"))!;
  assert.deepEqual(written, {
    "containerimage.digest": index.digest,
    "containerimage.descriptor": index,
    "image.name": image,
  });
  await run("--append", "-t", at("f"), at("1-armv7"));
  assert.deepEqual(await listEntries(world, "f"), ["linux/arm64", "windows/amd64:10.0.20348.1", "linux/arm/v7"]);
  // The written metadata file names the index again, whole.
  await run("-t", at("again"), "-f", metadata, "--allow-platform-mismatch");
  assert.equal((await repository.headManifest("again"))!.digest, index.digest);
  await run("-t", at("p"), "--platform", "linux/arm64", at("built-arm64"), at("built-amd64"));
  assert.deepEqual(await listEntries(world, "p"), ["linux/arm64", "@"]);
  await run("-t", at("carbon"), "--prefer-index=false", at("1-amd64"));
  assert.equal((await repository.headManifest("carbon"))!.digest, digest);
});

folderTest("regctl, oras, crane, goreleaser, konflux and rules_oci", async (folder) => {
  const world = await startRegistry();
  await using _ = world.registry;
  const { image, at, repository, built } = world;
  await run("-t", at("multi"), at("built-amd64"), at("built-arm64"));
  // regctl index create --platform, and its nested indexes
  await run("-t", at("r"), "--platform", "linux/amd64", at("multi"));
  assert.deepEqual(await listEntries(world, "r"), ["linux/amd64", "@"]);
  await run("-t", at("nested"), "--nested", at("built-amd64"), at("built-arm64"));
  assert.deepEqual(await listEntries(world, "nested"), ["-", "-"]);
  // oras manifest index create, with bare tags
  const type = ["--artifact-type", "application/x.y"];
  await run("-t", at("o1"), "-t", "o2", "--repository", image, "1-amd64", built.get("arm64")!.images[0]!, ...type);
  assert.deepEqual(await listEntries(world, "o2"), ["linux/amd64", "linux/arm64"]);
  // crane index append, and filter, which loses the attestations there
  await run("-t", at("c"), at("multi"), `${image}@${(await repository.headManifest("1-armv7"))!.digest}`);
  assert.deepEqual(await listEntries(world, "c"), ["linux/amd64", "@", "linux/arm64", "@", "linux/arm/v7"]);
  await run("-t", at("small"), "--platform", "linux", at("c"));
  assert.equal((await listEntries(world, "small")).length, 5);
  // goreleaser, and a script that calls docker manifest annotate
  await run("-t", at("g"), at("1-amd64"), "--as", `linux/arm/v6=${at("1-armv7")}`);
  assert.deepEqual(await listEntries(world, "g"), ["linux/amd64", "linux/arm/v6"]);
  // konflux: the sources have tag and digest; with one image, nothing is built
  const pinned = await Promise.all(
    ["1-amd64", "1-arm64"].map(async (tag) => `${at(tag)}@${(await repository.headManifest(tag))!.digest}`),
  );
  const result = `${folder}/IMAGE_DIGEST`;
  await run("-t", at("k"), "-t", at("run-1"), "--prefer-index=false", "--digestfile", result, ...pinned);
  assert.deepEqual(await listEntries(world, "run-1"), ["linux/amd64", "linux/arm64"]);
  await run("-t", at("k1"), "--prefer-index=false", "--digestfile", result, pinned[0]!);
  assert.equal(await Deno.readTextFile(result), (await repository.headManifest("1-amd64"))!.digest);
  // rules_oci: an index on disk, and a file of bare tags
  const systemContext = { dockerInsecureSkipTlsVerify: true };
  const layout = `oci:${folder}/index`;
  await copyImage(`docker://${at("multi")}`, layout, { systemContext, signaturePolicy: acceptAnything });
  await Deno.writeTextFile(`${folder}/tags.txt`, "b1\nb2\n");
  await run("--repository", `${image}-copy`, "--tags-from", `${folder}/tags.txt`, layout);
  const copied = await clientOf(world.registry.host).repository("me/app-copy").headManifest("b2");
  assert.equal(copied?.digest, (await repository.headManifest("multi"))!.digest);
});
