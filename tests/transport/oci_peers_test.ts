/** Layouts that others write and read too: other runs of ours, and the real tools. */
import assert from "node:assert/strict";
import { createOciTransport } from "../../src/transport/oci/room.ts";
import { folderTest } from "../support/folders.ts";
import { encode, makeImage } from "../support/images.ts";
import { ok } from "../support/peers.ts";
import { makeList, readAll, writeImage } from "../support/put_image.ts";

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

folderTest("writers of one layout lose nothing of each other", async (folder) => {
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

folderTest("skopeo's layouts are read here, and ours by the real tools", async (folder) => {
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

folderTest("umoci lists and unpacks our layouts", async (folder) => {
  await writeImage(oci(`${folder}/ours:one`), makeImage({ architecture: "amd64" }));
  await writeImage(oci(`${folder}/ours:two`), makeImage({ architecture: "arm64" }));
  assert.equal(await ok(["umoci", "ls", "--layout", `${folder}/ours`]), "one\ntwo");
  await ok(["umoci", "unpack", "--image", `${folder}/ours:one`, `${folder}/bundle`]);
  assert.equal(await Deno.readTextFile(`${folder}/bundle/rootfs/arch`), "linux/amd64/\n");
}, ["umoci", "root"]);

folderTest("our index.json is skopeo's, byte by byte, whatever is done to it", async (folder) => {
  const images = [makeImage({ architecture: "amd64" }), makeImage({ architecture: "arm64" })] as const;
  for (const [i, image] of images.entries()) await writeImage(oci(`${folder}/source:${"ab"[i]}`), image);
  const steps: [image: 0 | 1, name: string][] = [
    [0, "v1"], // The first one: an index.json of their own, as mediaType is what versions differ in.
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
