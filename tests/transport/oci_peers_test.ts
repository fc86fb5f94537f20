/** Layouts that other processes of this module, and other tools, read and write too. */
import assert from "node:assert/strict";
import { copyImage } from "../../mod.ts";
import type { Repository } from "../../src/registry/room.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { type Descriptor, digestOf, MEDIA_TYPES } from "../../src/spec/room.ts";
import { createOciTransport } from "../../src/transport/oci/room.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf, encode, makeImage } from "../support/images.ts";
import { IMAGECOPY } from "../support/oracles.ts";
import { ok } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeList, readAll, writeImage } from "../support/put_image.ts";

const OPTIONS = {
  systemContext: { dockerInsecureSkipTlsVerify: true, blobInfoCacheDir: "" },
  signaturePolicy: acceptAnything,
};

const oci = (text: string) => createOciTransport().parseReference(text);

const WRITER = `
import { createOciTransport } from "${new URL("../../src/transport/oci/room.ts", import.meta.url).href}";
import { makeImage } from "${new URL("../support/images.ts", import.meta.url).href}";
import { writeImage } from "${new URL("../support/put_image.ts", import.meta.url).href}";
const [layout, ...names] = Deno.args;
await Promise.all(names.map((name) =>
  writeImage(createOciTransport().parseReference(layout + ":" + name), makeImage({ architecture: name }))
));
`;

folderTest("concurrent writers of a layout keep each other's images", async (folder) => {
  await Deno.writeTextFile(`${folder}/writer.js`, WRITER);
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const names = [["a1", "a2", "a3"], ["b1", "b2", "b3"]];
  await Promise.all(
    names.map((names) =>
      ok([
        Deno.execPath(),
        "run",
        "-A",
        "--no-check",
        "--config",
        config,
        `${folder}/writer.js`,
        `${folder}/layout`,
        ...names,
      ])
    ),
  );
  assert.equal(JSON.parse(await Deno.readTextFile(`${folder}/layout/index.json`)).manifests.length, 6);
  for (const name of names.flat()) {
    assert.equal(await readAll(oci(`${folder}/layout:${name}`)), makeImage({ architecture: name }).digest);
  }
});

folderTest("layouts are exchanged with skopeo, buildah and podman", async (folder) => {
  const list = makeList("amd64", "arm64");
  await writeImage(oci(`${folder}/ours:list`), list);
  await writeImage(oci(`${folder}/ours:single`), list.images[0]!);
  assert.deepEqual(encode(await ok(["skopeo", "inspect", "--raw", `oci:${folder}/ours:list`])), list.bytes);
  assert.deepEqual(
    encode(await ok(["skopeo", "inspect", "--raw", `oci:${folder}/ours:single`])),
    list.images[0]!.manifest,
  );
  await ok(["skopeo", "copy", "--all", `oci:${folder}/ours:list`, `oci:${folder}/theirs:list`]);
  assert.equal(await readAll(oci(`${folder}/theirs:list`)), list.descriptor.digest);
  await ok(["skopeo", "copy", "--all", `oci:${folder}/ours:list`, `dir:${folder}/dir`]);
  const storage = ["--root", `${folder}/root`, "--runroot", `${folder}/run`, "--storage-driver", "vfs"];
  const id = await ok(["buildah", ...storage, "pull", "-q", `oci:${folder}/ours:single`]);
  assert.equal(`sha256:${id.split("\n").at(-1)}`, list.images[0]!.blobs.at(-1)!.descriptor.digest);
  assert.equal(await ok(["podman", ...storage, "pull", "-q", `oci:${folder}/ours:single`]), id);
}, ["skopeo", "buildah", "podman", "root"]);

folderTest("umoci lists and unpacks written layouts", async (folder) => {
  await writeImage(oci(`${folder}/ours:one`), makeImage({ architecture: "amd64" }));
  await writeImage(oci(`${folder}/ours:two`), makeImage({ architecture: "arm64" }));
  assert.equal(await ok(["umoci", "ls", "--layout", `${folder}/ours`]), "one\ntwo");
  await ok(["umoci", "unpack", "--image", `${folder}/ours:one`, `${folder}/bundle`]);
  assert.equal(await Deno.readTextFile(`${folder}/bundle/rootfs/arch`), "linux/amd64/\n");
}, ["umoci", "root"]);

folderTest("index.json is byte for byte the same as skopeo's after every change", async (folder) => {
  const images = [makeImage({ architecture: "amd64" }), makeImage({ architecture: "arm64" })] as const;
  for (const [i, image] of images.entries()) await writeImage(oci(`${folder}/source:${"ab"[i]}`), image);
  const steps: [image: 0 | 1, name: string][] = [
    [0, "v1"], // The first image: each has its own index.json, because versions of skopeo differ in mediaType.
    [0, "v1"],
    [1, "v1"],
    [0, ""],
    [0, "v2"],
    [0, "v3"],
    [1, ""],
    [1, "v2"],
    [0, "v1"],
  ];
  for (const [step, [i, name]] of steps.entries()) {
    await ok(["skopeo", "copy", `oci:${folder}/source:${"ab"[i]}`, `oci:${folder}/theirs:${name}`]);
    if (step === 0) {
      await Deno.mkdir(`${folder}/ours`);
      await Deno.copyFile(`${folder}/theirs/index.json`, `${folder}/ours/index.json`);
    }
    await writeImage(oci(`${folder}/ours:${name}`), images[i]);
    const [ours, theirs] = await Promise.all(
      ["ours", "theirs"].map((layout) => Deno.readTextFile(`${folder}/${layout}/index.json`)),
    );
    assert.equal(ours, theirs, `step ${step}`);
  }
}, ["skopeo"]);

folderTest(
  "Docker lists keep their digests in a layout, as with crane, and when they are copied back",
  async (folder) => {
    await using registry = startEmbedded();
    const repository = clientOf(registry.host).repository("app");
    const docker = await Promise.all(["amd64", "arm64"].map((architecture) => pushDocker(repository, architecture)));
    const list = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.dockerList, manifests: docker });
    await repository.putManifest("1", list);
    const source = `docker://${registry.host}/app:1`;
    for (const place of [`oci:${folder}/layout:1`, `oci-archive:${folder}/layout.tar:1`]) {
      const { digest } = await copyImage(source, place, { ...OPTIONS, preserveDigests: true });
      assert.equal(digest, digestOf(list));
      // Debian's skopeo does not find Docker media types in a layout yet.
      const theirs = `${folder}/theirs-${place.split(":")[0]}`;
      await ok([IMAGECOPY, "copy", "--all", place, `dir:${theirs}`]);
      assert.deepEqual(await Deno.readFile(`${theirs}/manifest.json`), list);
      const back = await copyImage(place, `docker://${registry.host}/back:1`, { ...OPTIONS, preserveDigests: true });
      assert.equal(back.digest, digestOf(list));
      const one = await copyImage(
        `docker://${registry.host}/app@${docker[0]!.digest}`,
        place.replace(/:1$/, ":one").replace("layout.tar", "one.tar"),
        { ...OPTIONS, preserveDigests: true },
      );
      assert.equal(one.digest, docker[0]!.digest);
      // Without preserved digests, the list is converted.
      const converted = await copyImage(source, place.replace("layout", "converted"), OPTIONS);
      assert.equal(converted.mediaType, MEDIA_TYPES.ociIndex);
      const forced = { ...OPTIONS, manifestType: MEDIA_TYPES.dockerManifest };
      const refused = { code: "MANIFEST_TYPE_NOT_SUPPORTED" };
      await assert.rejects(copyImage(source, place.replace("layout", "forced"), forced), refused);
    }
  },
  [IMAGECOPY],
);

async function pushDocker(repository: Repository, architecture: string): Promise<Descriptor> {
  const { blobs } = makeImage({ architecture });
  const types = [MEDIA_TYPES.dockerLayerGzip, MEDIA_TYPES.dockerConfig];
  const [layer, config] = blobs.map(({ descriptor }, i) => ({ ...descriptor, mediaType: types[i]! }));
  for (const { descriptor, bytes } of blobs) await repository.putBlob(descriptor, new Blob([bytes]).stream());
  const mediaType = MEDIA_TYPES.dockerManifest;
  const manifest = encode({ schemaVersion: 2, mediaType, config, layers: [layer] });
  const digest = await repository.putManifest(digestOf(manifest), manifest, { mediaType });
  return { mediaType, digest, size: manifest.length, platform: { os: "linux", architecture } };
}
