import assert from "node:assert/strict";
import { dirname, join } from "@std/path";
import { toStream } from "../../src/internal/room.ts";
import { type Descriptor, digestOf, type ErrorCode, MEDIA_TYPES, readBlob } from "../../src/spec/room.ts";
import { createOciTransport } from "../../src/transport/oci/room.ts";
import { folderTest } from "../support/folders.ts";
import { encode, makeImage, type TestImage } from "../support/images.ts";
import { ok } from "../support/peers.ts";
import { makeList, newBlob, putImage, readAll, writeImage } from "../support/put_image.ts";

const oci = (text: string) => createOciTransport().parseReference(text);
const hex = (digest: string) => digest.slice(digest.indexOf(":") + 1);

async function readIndex(layout: string): Promise<{ manifests: Descriptor[] }> {
  return JSON.parse(await Deno.readTextFile(`${layout}/index.json`));
}

async function readManifest(name: string, instance?: TestImage["digest"]): Promise<Uint8Array> {
  await using source = await oci(name).openSource();
  return (await source.getManifest({ instance })).bytes;
}

folderTest("policy identifies the folder by its real path, and the folders above it", async (folder) => {
  await Deno.mkdir(`${folder}/real/layout`, { recursive: true });
  await Deno.symlink(`${folder}/real`, `${folder}/link`);
  for (
    const [path, real] of [["link/layout", "real/layout"], ["link/new", "real/new"], ["link/new/er", "real/new/er"]]
  ) {
    const reference = oci(`${folder}/${path}:image`);
    assert.equal(reference.policyConfigurationIdentity, `${folder}/${real}`);
    const above: string[] = [];
    for (let at = `${folder}/${real}`; at !== "/"; at = dirname(at)) above.push(at);
    assert.deepEqual(reference.policyConfigurationNamespaces, above);
  }
  // By its text the path is `folder/x`, but on the disk it leads elsewhere.
  await Deno.mkdir(`${folder}/real/x`);
  assert.equal(oci(`${folder}/link/layout/../x`).policyConfigurationIdentity, `${folder}/real/x`);
  await Deno.symlink(`${folder}/real/layout`, `${folder}/deep`);
  assert.equal(oci(`${folder}/deep/../x`).policyConfigurationIdentity, `${folder}/real/x`);
});

folderTest("a layout holds several images and lists, each found by name, position and digest", async (folder) => {
  const layout = `${folder}/new/layout`;
  const [one, two, list] = [
    makeImage({ architecture: "one" }),
    makeImage({ architecture: "two" }),
    makeList("amd64", "arm64"),
  ];
  await writeImage(oci(`${layout}:one`), one);
  assert.equal(await readAll(oci(layout)), one.digest);
  await writeImage(oci(`${layout}:me/two:1`), two);
  await writeImage(oci(`${layout}:list`), list);
  const found: [string, string][] = [["one", one.digest], ["me/two:1", two.digest], ["list", list.descriptor.digest], [
    "@1",
    two.digest,
  ]];
  for (const [image, digest] of found) assert.equal(await readAll(oci(`${layout}:${image}`)), digest);
  assert.equal(await Deno.readTextFile(`${layout}/oci-layout`), '{"imageLayoutVersion":"1.0.0"}');
  const names = (await Array.fromAsync(Deno.readDir(layout))).map(({ name }) => name).sort();
  assert.deepEqual(names, ["blobs", "index.json", "oci-layout"]);
  // Instances are blobs, not entries of the index.
  const { manifests } = await readIndex(layout);
  assert.deepEqual(manifests.map(({ mediaType, size }) => ({ mediaType, size })), [
    { mediaType: MEDIA_TYPES.ociManifest, size: one.manifest.length },
    { mediaType: MEDIA_TYPES.ociManifest, size: two.manifest.length },
    { mediaType: MEDIA_TYPES.ociIndex, size: list.bytes.length },
  ]);
  for (const path of ["index.json", "oci-layout", `blobs/sha256/${hex(one.digest)}`]) {
    assert.equal((await Deno.stat(join(layout, path))).mode! & 0o777, 0o644, path);
  }
});

folderTest(
  "a name is looked up when it is needed; an image whose name has moved is found by digest",
  async (folder) => {
    const [before, after] = [makeImage({ architecture: "before" }), makeImage({ architecture: "after" })];
    await using source = await oci(`${folder}/layout:app`).openSource();
    await assert.rejects(source.getManifest(), { code: "NOT_FOUND" });
    await writeImage(oci(`${folder}/layout:app`), before);
    assert.equal(digestOf((await source.getManifest()).bytes), before.digest);
    await writeImage(oci(`${folder}/layout:app`), after);
    assert.equal(digestOf((await source.getManifest()).bytes), after.digest);
    assert.deepEqual((await source.getManifest({ instance: before.digest })).bytes, before.manifest);
    const { descriptor, bytes } = before.blobs[0]!;
    assert.deepEqual(
      await readBlob(await source.getBlob({ ...descriptor, urls: ["http://127.0.0.1:1/x"] }), descriptor, 1e6),
      bytes,
    );
  },
);

folderTest("layouts can share their blobs", async (folder) => {
  const context = { ociSharedBlobDirPath: `${folder}/shared` };
  const image = makeImage({ architecture: "amd64" });
  for (const layout of ["one", "two"]) await writeImage(oci(`${folder}/${layout}:a`), image, context);
  assert.equal(await readAll(oci(`${folder}/two:a`), context), image.digest);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${folder}/two/blobs`)), []);
  await assert.rejects(readManifest(`${folder}/two:a`), { code: "NOT_FOUND" });
});

folderTest("existing blobs are hashed before they are used, and damaged ones are replaced", async (folder) => {
  const image = makeImage({ architecture: "amd64" });
  const [{ descriptor, bytes }, config] = image.blobs as [TestImage["blobs"][0], TestImage["blobs"][0]];
  const path = `${folder}/layout/blobs/sha256/${hex(descriptor.digest)}`;
  const wrong = bytes.slice();
  wrong[0]! ^= 1;
  await Deno.writeTextFile(`${folder}/elsewhere`, "elsewhere");
  const spoils: Record<string, () => Promise<void>> = {
    "another byte": () => Deno.writeFile(path, wrong),
    "a part": () => Deno.writeFile(path, bytes.slice(1)),
    "a link": () => Deno.remove(path).then(() => Deno.symlink(`${folder}/elsewhere`, path)),
  };
  for (const [what, spoil] of Object.entries(spoils)) {
    await writeImage(oci(`${folder}/layout:a`), image);
    await spoil();
    await using destination = await oci(`${folder}/layout:a`).openDestination();
    assert.equal(await destination.findBlob(descriptor), undefined, what);
    assert.equal(await destination.findBlob({ ...descriptor, size: -1 }), undefined, what);
    assert.equal(await destination.findBlob(config.descriptor), config.bytes.length, what);
    assert.equal(await destination.findBlob({ ...config.descriptor, size: -1 }), config.bytes.length, what);
    assert.equal(await destination.findBlob({ ...config.descriptor, size: 1 }), undefined, what);
    await destination.putBlob(newBlob(descriptor), toStream(bytes));
    assert.equal(await destination.findBlob(descriptor), bytes.length, what);
    assert.equal(await readAll(oci(`${folder}/layout:a`)), image.digest, what);
  }
  assert.equal(await Deno.readTextFile(`${folder}/elsewhere`), "elsewhere");
});

folderTest("a failed copy changes nothing in the layout except blobs", async (folder) => {
  await writeImage(oci(`${folder}:a`), makeImage({ architecture: "before" }));
  const before = await Deno.readTextFile(`${folder}/index.json`);
  {
    await using destination = await oci(`${folder}:a`).openDestination();
    await putImage(destination, makeImage({ architecture: "after" }));
    await assert.rejects(
      destination.putManifest(encode("{}"), MEDIA_TYPES.ociManifest, { instance: digestOf(encode("other")) }),
      { code: "DIGEST_MISMATCH" },
    );
    await assert.rejects(destination.putManifest(encode("{}"), MEDIA_TYPES.dockerSchema1), {
      code: "MANIFEST_REJECTED",
    });
    await assert.rejects(destination.commit({ signal: AbortSignal.abort(new Error("enough")) }), /enough/);
  }
  assert.equal(await Deno.readTextFile(`${folder}/index.json`), before);
  {
    await using destination = await oci(`${folder}:a`).openDestination();
    await assert.rejects(destination.commit(), TypeError);
  }
  assert.equal(await Deno.readTextFile(`${folder}/index.json`), before);
});

folderTest("an abort ends a pending write with the reason of the signal", async (folder) => {
  await using destination = await oci(folder).openDestination();
  const { descriptor } = makeImage({ architecture: "amd64" }).blobs[0]!;
  const abort = new AbortController();
  let cancelled: unknown;
  const waiting = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull(controller) {
      controller.enqueue(new Uint8Array(5));
      queueMicrotask(() => abort.abort());
      return new Promise(() => {});
    },
    cancel(reason) {
      cancelled = reason;
    },
  });
  await assert.rejects(destination.putBlob(newBlob(descriptor), waiting, { signal: abort.signal }), {
    name: "AbortError",
  });
  assert.equal(cancelled, abort.signal.reason);
  // An error of the stream that looks like an error of the disk is not changed.
  const failing = new ReadableStream<Uint8Array<ArrayBuffer>>({
    pull() {
      throw new Deno.errors.ConnectionReset("the source broke");
    },
  });
  await assert.rejects(destination.putBlob(newBlob(descriptor), failing), Deno.errors.ConnectionReset);
  assert.deepEqual(await Array.fromAsync(Deno.readDir(folder)), []);
});

folderTest("temporary files of killed runs are removed, those of other runs are kept", async (folder) => {
  const [dead, live] = [`${folder}/.tmp-manifests-dead`, `${folder}/.tmp-manifests-live`];
  await Deno.writeTextFile(dead, "");
  using file = await Deno.open(live, { create: true, write: true });
  await file.lock(true);
  await Deno.writeTextFile(`${folder}/.tmp-other`, "");
  await writeImage(oci(`${folder}:a`), makeImage({ architecture: "amd64" }));
  const names = (await Array.fromAsync(Deno.readDir(folder))).map(({ name }) => name).sort();
  assert.deepEqual(names, [".tmp-manifests-live", ".tmp-other", "blobs", "index.json", "oci-layout"]);
});

folderTest("invalid destinations are rejected before anything is written", async (folder) => {
  await Deno.writeTextFile(`${folder}/file`, "file");
  await assert.rejects(oci(`${folder}/layout:@0`).openDestination(), { code: "INVALID_REFERENCE" });
  await assert.rejects(oci(`${folder}/file:a`).openDestination(), { code: "DESTINATION_NOT_AN_IMAGE" });
  await Deno.mkdir(`${folder}/broken`);
  await Deno.writeTextFile(`${folder}/broken/index.json`, "");
  await assert.rejects(oci(`${folder}/broken:a`).openDestination(), { code: "LAYOUT_INVALID" });
  await Deno.mkdir(`${folder}/links`);
  await Deno.symlink(`${folder}/broken`, `${folder}/links/blobs`);
  await assert.rejects(oci(`${folder}/links:a`).openDestination(), { code: "LAYOUT_INVALID" });
  await Deno.mkdir(`${folder}/files`);
  await Deno.writeTextFile(`${folder}/files/blobs`, "");
  await using destination = await oci(`${folder}/files:a`).openDestination();
  await assert.rejects(putImage(destination, makeImage({ architecture: "amd64" })), { code: "TRANSPORT_IO" });
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${folder}/broken`), ({ name }) => name), ["index.json"]);
});

folderTest(
  "an untrusted layout gives no access to files outside of it, and only regular files are read",
  async (folder) => {
    const image = makeImage({ architecture: "amd64" });
    const secret = `${folder}/secret`;
    await Deno.writeFile(secret, image.manifest);
    const layout = `${folder}/layout`;
    const blob = `${layout}/blobs/sha256/${hex(image.digest)}`;
    const broken: Record<string, [spoil: () => Promise<unknown>, code: ErrorCode]> = {
      "no index.json": [() => Deno.remove(`${layout}/index.json`), "NOT_FOUND"],
      "index.json is a folder": [
        () => Deno.remove(`${layout}/index.json`).then(() => Deno.mkdir(`${layout}/index.json`)),
        "LAYOUT_INVALID",
      ],
      "index.json is a link to elsewhere": [
        () =>
          Deno.rename(`${layout}/index.json`, `${folder}/index`).then(() =>
            Deno.symlink(`${folder}/index`, `${layout}/index.json`)
          ),
        "LAYOUT_INVALID",
      ],
      "index.json of 100 MB": [() => Deno.truncate(`${layout}/index.json`, 1e8), "LAYOUT_INVALID"],
      "no blob": [() => Deno.remove(blob), "NOT_FOUND"],
      "a blob that is a link to elsewhere": [
        () => Deno.remove(blob).then(() => Deno.symlink(secret, blob)),
        "LAYOUT_INVALID",
      ],
      "blobs that are elsewhere": [
        () =>
          Deno.rename(`${layout}/blobs`, `${folder}/blobs`).then(() =>
            Deno.symlink(`${folder}/blobs`, `${layout}/blobs`)
          ),
        "LAYOUT_INVALID",
      ],
      "a blob that is a folder": [() => Deno.remove(blob).then(() => Deno.mkdir(blob)), "LAYOUT_INVALID"],
      "a blob that is a pipe": [() => Deno.remove(blob).then(() => ok(["mkfifo", blob])), "LAYOUT_INVALID"],
      "another blob": [() => Deno.writeTextFile(blob, "other"), "DIGEST_MISMATCH"],
      "a manifest of 100 MB": [() => Deno.truncate(blob, 1e8), "LIMIT_EXCEEDED"],
      "another size": [
        async () => {
          const text = await Deno.readTextFile(`${layout}/index.json`);
          await Deno.writeTextFile(`${layout}/index.json`, text.replace(/"size":\d+/, '"size":7'));
        },
        "SIZE_MISMATCH",
      ],
    };
    for (const [what, [spoil, code]] of Object.entries(broken)) {
      await writeImage(oci(`${layout}:a`), image);
      await spoil();
      await assert.rejects(readManifest(`${layout}:a`), { code }, what);
      await Deno.remove(layout, { recursive: true });
      await Deno.remove(`${folder}/blobs`, { recursive: true }).catch(() => {});
    }
    // Links inside the layout are allowed.
    await writeImage(oci(`${layout}:a`), image);
    await Deno.rename(blob, `${layout}/blobs/moved`);
    await Deno.symlink("../moved", blob);
    assert.equal(await readAll(oci(`${layout}:a`)), image.digest);
  },
);
