import assert from "node:assert/strict";
import { dirname } from "@std/path";
import { toStream } from "../../src/internal/room.ts";
import { digestOf, type ErrorCode, MEDIA_TYPES } from "../../src/spec/room.ts";
import { createDirTransport } from "../../src/transport/dir/room.ts";
import { folderTest } from "../support/folders.ts";
import { describe, encode, makeImage, makeTar, type TestImage } from "../support/images.ts";
import { exec, ok } from "../support/peers.ts";
import { makeList, newBlob, putImage, readAll, writeImage } from "../support/put_image.ts";

const dir = (path: string) => createDirTransport().parseReference(path);
const hex = (digest: string) => digest.slice(digest.indexOf(":") + 1);
const VERSION_1_1 = "Directory Transport Version: 1.1\n";

/** Lists the names of all files in a folder, sorted. */
async function listNames(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(folder), ({ name }) => name)).sort();
}

/** Returns the names of the files of an image. */
function imageFiles(...images: TestImage[]): string[] {
  const blobs = images.flatMap(({ blobs }) => blobs.map(({ descriptor }) => hex(descriptor.digest)));
  const instances = images.length > 1 ? images.map(({ digest }) => `${hex(digest)}.manifest.json`) : [];
  return [...new Set([...blobs, ...instances, "manifest.json", "version"])].sort();
}

async function readManifest(path: string, instance?: TestImage["digest"]): Promise<Uint8Array> {
  await using source = await dir(path).openSource();
  return (await source.getManifest({ instance })).bytes;
}

folderTest("dir references print unchanged, and policy identifies folders by their real path", async (folder) => {
  await Deno.mkdir(`${folder}/real`);
  await Deno.symlink(`${folder}/real`, `${folder}/link`);
  for (
    const [path, real] of [[folder, folder], [`${folder}/link`, `${folder}/real`], [
      `${folder}/link/a:b`,
      `${folder}/real/a:b`,
    ]]
  ) {
    const reference = dir(path!);
    assert.equal(reference.stringWithinTransport, path);
    assert.equal(String(reference), `dir:${path}`);
    assert.equal(reference.policyConfigurationIdentity, real);
    const above: string[] = [];
    for (let at = dirname(real!); at !== "/"; at = dirname(at)) above.push(at);
    assert.deepEqual(reference.policyConfigurationNamespaces, above);
  }
  assert.equal(String(dir("")), "dir:");
  assert.equal(dir("").policyConfigurationIdentity, await Deno.realPath("."));
  assert.equal(dir("/").policyConfigurationIdentity, "/");
  assert.deepEqual(dir("/").policyConfigurationNamespaces, []);
});

folderTest("an image and a list are read back complete, and the folder has no other files", async (folder) => {
  const [image, list] = [makeImage({ architecture: "s390x" }), makeList("amd64", "arm64")];
  await writeImage(dir(`${folder}/new/image`), image);
  assert.equal(await readAll(dir(`${folder}/new/image`)), image.digest);
  assert.deepEqual(await listNames(`${folder}/new/image`), imageFiles(image));
  assert.equal(await Deno.readTextFile(`${folder}/new/image/version`), VERSION_1_1);
  assert.deepEqual(await readManifest(`${folder}/new/image`, image.digest), image.manifest);
  await writeImage(dir(`${folder}/list`), list);
  assert.equal(await readAll(dir(`${folder}/list`)), list.descriptor.digest);
  assert.deepEqual(await listNames(`${folder}/list`), imageFiles(...list.images));
  assert.deepEqual(await readManifest(`${folder}/list`, list.descriptor.digest), list.bytes);
  for (const name of await listNames(`${folder}/list`)) {
    assert.equal((await Deno.stat(`${folder}/list/${name}`)).mode! & 0o777, 0o644, name);
  }
});

folderTest("a digest other than SHA-256 has its algorithm in the file name, and sets version 1.2", async (folder) => {
  const bytes = encode("content");
  const descriptor = { mediaType: "m", digest: digestOf(bytes, "sha512"), size: bytes.length };
  const manifest = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociManifest, config: descriptor, layers: [] });
  const instance = digestOf(manifest, "sha512");
  const list = makeList();
  {
    await using destination = await dir(folder).openDestination();
    await destination.putBlob(newBlob(descriptor), toStream(bytes));
    await destination.putManifest(manifest, MEDIA_TYPES.ociManifest, { instance });
    await destination.putManifest(list.bytes, MEDIA_TYPES.ociIndex);
    await destination.commit();
  }
  const name = `sha512-${hex(descriptor.digest)}`;
  assert.deepEqual(
    await listNames(folder),
    ["manifest.json", name, `sha512-${hex(instance)}.manifest.json`, "version"].sort(),
  );
  assert.equal(await Deno.readTextFile(`${folder}/version`), "Directory Transport Version: 1.2\n");
  assert.deepEqual(await readManifest(folder, instance), manifest);
  const image = makeImage({ architecture: "amd64" });
  await writeImage(dir(folder), image);
  assert.deepEqual(await listNames(folder), imageFiles(image));
  assert.equal(await Deno.readTextFile(`${folder}/version`), VERSION_1_1);
});

folderTest(
  "an existing image stays until the new one is complete; then its remaining files are removed",
  async (folder) => {
    const shared = makeImage({ architecture: "amd64" }).blobs[0]!.bytes;
    const [before, after] = [makeList("amd64", "arm64"), makeImage({ architecture: "riscv64" })];
    await writeImage(dir(folder), before);
    const others = ["signature-1", `${hex(before.images[0]!.digest)}.signature-2`];
    for (const name of [...others, "notes.txt"]) await Deno.writeTextFile(`${folder}/${name}`, "x");
    {
      await using destination = await dir(folder).openDestination();
      await putImage(destination, after);
    }
    assert.equal(await readAll(dir(folder)), before.descriptor.digest);
    {
      await using destination = await dir(folder).openDestination();
      assert.equal(await destination.findBlob(before.images[0]!.blobs[0]!.descriptor), shared.length);
      await putImage(destination, after);
      assert.equal(await readAll(dir(folder)), before.descriptor.digest);
      await assert.rejects(destination.commit({ signal: AbortSignal.abort(new Error("enough")) }), /enough/);
      assert.equal(await readAll(dir(folder)), before.descriptor.digest);
      await destination.commit();
    }
    assert.equal(await readAll(dir(folder)), after.digest);
    // Blobs that the destination has reported as existing belong to the image; files of the user are kept.
    const kept = [hex(before.images[0]!.blobs[0]!.descriptor.digest), "notes.txt"];
    assert.deepEqual(await listNames(folder), [...imageFiles(after), ...kept].sort());
  },
);

folderTest("existing blobs are hashed before they are used, and damaged ones are replaced", async (folder) => {
  const image = makeImage({ architecture: "amd64" });
  const { descriptor, bytes } = image.blobs[0]!;
  const path = `${folder}/${hex(descriptor.digest)}`;
  const wrong = bytes.slice();
  wrong[0]! ^= 1;
  for (const content of [wrong, bytes.slice(1)]) {
    await writeImage(dir(folder), image);
    await Deno.writeFile(path, content);
    await using destination = await dir(folder).openDestination();
    assert.equal(await destination.findBlob(descriptor), undefined);
    assert.equal(await destination.findBlob({ ...descriptor, size: -1 }), undefined);
    await destination.putBlob(newBlob(descriptor), toStream(bytes));
    assert.equal(await destination.findBlob({ ...descriptor, size: -1 }), bytes.length);
    assert.equal(await readAll(dir(folder)), image.digest);
  }
});

folderTest("a folder with other content is rejected and not changed", async (folder) => {
  const cases: Record<string, Record<string, string>> = {
    "files of somebody": { "thesis.txt": "important" },
    "an image without a version": { "manifest.json": "{}" },
    "no version": { version: "" },
    "a version of something else": { version: "1.1\n" },
    "a version without its end": { version: VERSION_1_1.trim() },
    "a version with more behind it": { version: `${VERSION_1_1}\n` },
    "a version that Go would print otherwise": { version: "Directory Transport Version: 1.01\n" },
    "a newer version": { version: "Directory Transport Version: 1.3\n" },
    "a much newer version": { version: "Directory Transport Version: 2.0\n" },
    "a large version": { version: VERSION_1_1.repeat(1000) },
  };
  for (const [what, files] of Object.entries(cases)) {
    const path = `${folder}/${what}`;
    await Deno.mkdir(path);
    for (const [name, content] of Object.entries(files)) await Deno.writeTextFile(`${path}/${name}`, content);
    await assert.rejects(dir(path).openDestination(), { code: "DESTINATION_NOT_AN_IMAGE" }, what);
    assert.deepEqual(await listNames(path), Object.keys(files), what);
    if (files.version !== undefined) await assert.rejects(dir(path).openSource(), { code: "LAYOUT_INVALID" }, what);
  }
  await Deno.writeTextFile(`${folder}/file`, "file");
  await assert.rejects(dir(`${folder}/file`).openDestination(), { code: "DESTINATION_NOT_AN_IMAGE" });
  for (const version of ["1.2", "1.0", "0.9"]) {
    await Deno.mkdir(`${folder}/${version}`);
    await Deno.writeTextFile(`${folder}/${version}/version`, `Directory Transport Version: ${version}\n`);
    await writeImage(dir(`${folder}/${version}`), makeImage({ architecture: "amd64" }));
    assert.equal(await Deno.readTextFile(`${folder}/${version}/version`), VERSION_1_1);
  }
});

folderTest("a folder has one writer at a time", async (folder) => {
  const [one, two] = [makeImage({ architecture: "one" }), makeImage({ architecture: "two" })];
  for (const path of [`${folder}/there`, `${folder}/not-yet`]) {
    if (path.endsWith("there")) await Deno.mkdir(path);
    {
      await using first = await dir(path).openDestination();
      await putImage(first, one);
      await assert.rejects(dir(path).openDestination(), { code: "DESTINATION_IN_USE" });
      await first.commit();
    }
    await writeImage(dir(path), two);
    assert.equal(await readAll(dir(path)), two.digest);
  }
  // Both have found that the folder does not exist; one of them creates it first.
  await using first = await dir(`${folder}/new`).openDestination();
  await using second = await dir(`${folder}/new`).openDestination();
  await putImage(first, one);
  await assert.rejects(putImage(second, two), { code: "DESTINATION_IN_USE" });
});

folderTest("temporary files of killed runs are removed, and do not block a folder", async (folder) => {
  await Deno.writeTextFile(`${folder}/.tmp-manifests-dead`, "");
  const image = makeImage({ architecture: "amd64" });
  await writeImage(dir(folder), image);
  assert.deepEqual(await listNames(folder), imageFiles(image));
});

folderTest("the folder is not listed once more for each file", async (folder) => {
  const { readDir } = Deno;
  const counts: number[] = [];
  for (const blobs of [2, 12]) {
    let count = 0;
    Deno.readDir = (path) => {
      count++;
      return readDir(path);
    };
    try {
      const layers = Array.from({ length: blobs }, (_, i) => makeTar("file", `${i}`));
      await writeImage(dir(`${folder}/${blobs}`), makeImage({ architecture: "amd64", layers }));
    } finally {
      Deno.readDir = readDir;
    }
    counts.push(count);
  }
  assert.ok(counts[0]! > 0);
  assert.equal(counts[0], counts[1]);
});

folderTest("options control compression", async (folder) => {
  const open = async (context: object) => {
    await using destination = await dir(`${folder}/none`).openDestination(context);
    return destination.abilities;
  };
  const common = { manifestTypes: [], keepsForeignLayers: false };
  assert.deepEqual(await open({}), { ...common, layerCompression: "preserve" });
  assert.deepEqual(await open({ dirForceCompress: true }), { ...common, layerCompression: "compress" });
  assert.deepEqual(await open({ dirForceDecompress: true }), { ...common, layerCompression: "decompress" });
  await assert.rejects(open({ dirForceCompress: true, dirForceDecompress: true }), TypeError);
  assert.deepEqual(await listNames(folder), []);
});

folderTest(
  "an untrusted folder gives no access to files outside of it, and only regular files are read",
  async (folder) => {
    const image = makeImage({ architecture: "amd64" });
    const path = `${folder}/image`;
    const { descriptor } = image.blobs[0]!;
    await Deno.writeFile(`${folder}/secret`, image.manifest);
    const cases: Record<string, [file: string, make: (path: string) => Promise<unknown>, code: ErrorCode]> = {
      "no manifest": ["manifest.json", () => Promise.resolve(), "NOT_FOUND"],
      "a manifest that is a link": [
        "manifest.json",
        (path) => Deno.symlink(`${folder}/secret`, path),
        "LAYOUT_INVALID",
      ],
      "a manifest that is a pipe": ["manifest.json", (path) => ok(["mkfifo", path]), "LAYOUT_INVALID"],
      "a manifest of 100 MB": [
        "manifest.json",
        (path) => Deno.create(path).then((file) => file.truncate(1e8).finally(() => file.close())),
        "LIMIT_EXCEEDED",
      ],
      "no blob": [hex(descriptor.digest), () => Promise.resolve(), "NOT_FOUND"],
      "a blob that is a link": [
        hex(descriptor.digest),
        (path) => Deno.symlink(`${folder}/secret`, path),
        "LAYOUT_INVALID",
      ],
      "a blob that is a folder": [hex(descriptor.digest), (path) => Deno.mkdir(path), "LAYOUT_INVALID"],
      "a short blob": [hex(descriptor.digest), (path) => Deno.writeTextFile(path, "x"), "SIZE_MISMATCH"],
      "another blob": [
        hex(descriptor.digest),
        (path) => Deno.writeFile(path, new Uint8Array(descriptor.size)),
        "DIGEST_MISMATCH",
      ],
    };
    for (const [what, [file, make, code]] of Object.entries(cases)) {
      await writeImage(dir(path), image);
      await Deno.remove(`${path}/${file}`);
      await make(`${path}/${file}`);
      await assert.rejects(readAll(dir(path)), { code }, what);
      await Deno.remove(path, { recursive: true });
    }
    await assert.rejects(readAll(dir(`${folder}/none`)), { code: "NOT_FOUND" });
    // Reading does not require a version file.
    await writeImage(dir(path), image);
    await Deno.remove(`${path}/version`);
    assert.equal(await readAll(dir(path)), image.digest);
    await assert.rejects(readManifest(path, digestOf(encode("other"))), { code: "NOT_FOUND" });
    await using source = await dir(path).openSource();
    await assert.rejects(source.getBlob({ ...describe("m", encode("foreign")), urls: ["http://127.0.0.1:1/"] }), {
      code: "NOT_FOUND",
    });
  },
);

folderTest("an error of the disk is reported as TRANSPORT_IO", async (folder) => {
  const image = makeImage({ architecture: "amd64" });
  await Deno.mkdir(`${folder}/${hex(image.blobs[0]!.descriptor.digest)}/x`, { recursive: true });
  await Deno.writeTextFile(`${folder}/version`, VERSION_1_1);
  await assert.rejects(writeImage(dir(folder), image), { code: "TRANSPORT_IO" });
  assert.equal((await listNames(folder)).length, 2);
});

folderTest("folders are exchanged with skopeo", async (folder) => {
  const list = makeList("amd64", "arm64");
  const [ours, theirs, again] = [`${folder}/ours`, `${folder}/theirs`, `${folder}/again`];
  await writeImage(dir(ours), list);
  assert.deepEqual(encode(await ok(["skopeo", "inspect", "--raw", `dir:${ours}`])), list.bytes);
  await ok(["skopeo", "copy", "--all", `dir:${ours}`, `dir:${theirs}`]);
  assert.equal(await readAll(dir(theirs)), list.descriptor.digest);
  // All files are the same.
  assert.deepEqual(await exec(["diff", "-r", ours, theirs]), { code: 0, stdout: "", stderr: "" });
  // Each tool can overwrite the folder of the other.
  const image = makeImage({ architecture: "s390x" });
  await writeImage(dir(theirs), image);
  assert.deepEqual(await listNames(theirs), imageFiles(image));
  await ok(["skopeo", "copy", "--override-arch", "s390x", `dir:${theirs}`, `dir:${ours}`]);
  assert.equal(await readAll(dir(ours)), image.digest);
  await ok(["skopeo", "copy", "--override-arch", "s390x", `dir:${theirs}`, `oci:${again}:a`]);
}, ["skopeo", "diff"]);
