/** An image is written into a store by processes that are killed, on disks that fill up, and by several at once. */
import assert from "node:assert/strict";
import { copyImage } from "../../mod.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { type ByteStream, toStream } from "../../src/internal/room.ts";
import { digestHex, digestOf } from "../../src/spec/room.ts";
import { openImageWriter } from "../../src/store/containers_storage/room.ts";
import { LibcError } from "../../src/store/containers_storage/unpack/libc.ts";
import { runUntilDeath } from "../support/dying_disk.ts";
import { clientOf, encode, makeImage, pushImage } from "../support/images.ts";
import { type OddEntry, oddTar } from "../support/odd_tar.ts";
import { exec, ok, peerTest } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { dumpTree } from "../support/store_dump.ts";
import { makeStore, storageName, type TestStore } from "../support/stores.ts";

const file = (name: string, content: string): OddEntry => ({ name, content: encode(content) });
const LAYERS = [
  oddTar([
    { name: "d/", type: "5" },
    file("d/a", "one"),
    { name: "d/b", type: "1", linkName: "d/a" },
    { name: "l", type: "2", linkName: "d" },
    { name: "p", type: "6" },
    { ...file("x", "two"), pax: { "SCHILY.xattr.user.k": "v" } },
  ]),
  oddTar([{ name: "d/.wh.a", content: new Uint8Array() }, file("y", "three")]),
];
const ID = digestHex(digestOf(encode("image")));

/** Writes the image into a store. */
async function write(at: TestStore): Promise<void> {
  const { root: graphRoot, runRoot, driver } = at;
  const location = { graphRoot, runRoot, realRoot: graphRoot, driver, additionalImageStores: [], driverOptions: [] };
  await using writer = await openImageWriter(location, { temporaryFolder: at.folder });
  const layers = LAYERS.map((tar) => ({ tar, digest: digestOf(tar) }));
  for (const { tar, digest } of layers) {
    if (await writer.findLayer(digest) !== undefined) continue;
    const blob = { describe: () => digest, size: tar.length, measured: () => ({ digest, size: tar.length }) };
    await writer.putLayer(blob, toStream(tar) as ByteStream);
  }
  await writer.commit({
    id: ID,
    names: ["localhost/app:1"],
    items: [{ key: "manifest", bytes: encode("{}") }],
    metadata: "{}",
    layers: layers.map(({ digest }) => ({ digest, diffId: digest })),
  });
}

/**
 * Everything in a store but what differs between two equal ones: times, and random names. Temporary files of records are
 * left out: they are removed when they are an hour old.
 */
function dumpStore({ root, driver }: TestStore): string[] {
  const records = new RegExp(`^"\\./${driver}-(images|layers)/([a-z]+\\.(lock|json)|.*tar-split|\\.tmp-)`);
  const plain = (line: string) =>
    line.replace(/ \d{19} /, " ").replaceAll(/\b[A-Z2-7]{26}\b/g, "LINK").replace(
      /(\/(link|lower)" .*)sha256:\w+/,
      "$1",
    );
  return dumpTree(root).filter((line) => !records.test(line)).map(plain).sort();
}

/** How many steps are passed over, so that the test takes a few seconds. Set to 1 for all of them. */
const STRIDE = Number(Deno.env.get("MANIFESTS_TEST_STRIDE") ?? 11);

for (const driver of ["vfs", "overlay"]) {
  peerTest(
    `killed before any step, a store in ${driver} opens, and the next run succeeds`,
    ["buildah", "root"],
    async () => {
      await using clean = await makeStore(driver);
      await write(clean);
      const expected = dumpStore(clean);
      let step = 1;
      for (let isDone = false; !isDone; step++) {
        await using at = await makeStore(driver);
        ({ isDone } = await runUntilDeath(step, () => write(at)));
        // An image that is visible is whole.
        for (const { topLayer } of await at.store.listImages()) {
          for (const layer of await at.store.layers!.listLayers(topLayer!)) {
            for await (const _chunk of await at.store.layers!.openLayer(layer)) { /* It is verified at its end. */ }
          }
        }
        // Other tools open the store, too; that takes longer.
        if (step % 8 === 0) await ok(["buildah", ...at.flags, "images"]);
        await write(at);
        if (step % 8 !== 0) assert.deepEqual(dumpStore(at), expected, `after step ${step}`);
      }
      assert.ok(step > 60, `only ${step} steps`);
    },
  );

  peerTest(`rests of other programs in ${driver} do not become part of layers`, ["root"], async () => {
    await using clean = await makeStore(driver);
    await write(clean);
    await using at = await makeStore(driver);
    const records = `${at.root}/${driver}-layers`;
    const ids = JSON.parse(await Deno.readTextFile(`${clean.root}/${driver}-layers/layers.json`)).map((
      { id }: { id: string },
    ) => id);
    const incomplete = "f".repeat(64);
    await Deno.mkdir(`${at.root}/${driver}/l`, { recursive: true });
    for (const id of [...ids, incomplete]) {
      const folder = driver === "vfs" ? `${at.root}/vfs/dir/${id}` : `${at.root}/overlay/${id}/diff`;
      await Deno.mkdir(folder, { recursive: true });
      await Deno.writeTextFile(`${folder}/stray`, "stray");
    }
    if (driver === "overlay") {
      const link = "A".repeat(26);
      await Deno.writeTextFile(`${at.root}/overlay/${incomplete}/link`, link);
      await Deno.symlink(`../${incomplete}/diff`, `${at.root}/overlay/l/${link}`);
    } else await Deno.remove(`${at.root}/vfs/l`);
    await Deno.mkdir(`${at.root}/${driver}/tempdirs/temp-dir-1/0-addition`, { recursive: true, mode: 0o700 });
    await Deno.mkdir(records);
    const created = "2026-01-01T00:00:00Z";
    const record = { id: incomplete, created, flags: { incomplete: true, other: 1 } };
    await Deno.writeTextFile(`${records}/layers.json`, JSON.stringify([record]));
    await write(at);
    const withoutModes = (lines: string[]) => lines.filter((line) => !/^"\.(\/[a-z-]+){0,2}" /.test(line));
    assert.deepEqual(withoutModes(dumpStore(at)), withoutModes(dumpStore(clean)));
    const kept = JSON.parse(await Deno.readTextFile(`${records}/layers.json`));
    assert.deepEqual(kept.map(({ id }: { id: string }) => id), ids);
  });

  peerTest(`if the disk is full at any step, a store in ${driver} has no rest`, ["root"], async () => {
    let failures = 0;
    for (let step = 1, isReached = true; isReached; step += STRIDE) {
      await using other = await makeStore(driver);
      const result = await runUntilDeath(
        step,
        () => write(other),
        () => new LibcError("ENOSPC", "No space left"),
        true,
      );
      isReached = result.steps >= step;
      failures += result.isDone ? 0 : 1;
      if (result.isDone) continue;
      // Layers that are complete stay: the next run uses them.
      const records = await Deno.readTextFile(`${other.root}/${driver}-layers/layers.json`).catch(() => "[]");
      const ids = JSON.parse(records).filter((layer: { flags?: object }) => !layer.flags).map((
        { id }: { id: string },
      ) => id);
      const rest = dumpStore(other).filter((line) =>
        /tempdirs|temp-dir|"\.\/(vfs\/dir|overlay)\/[0-9a-f]{64}/.test(line)
      );
      assert.deepEqual(rest.filter((line) => !ids.some((id: string) => line.includes(id))), [], `after step ${step}`);
    }
    assert.ok(failures > 3, `only ${failures} failures`);
  });

  peerTest(
    `two of ours and one skopeo write the same image in ${driver} at once`,
    ["skopeo", "buildah", "root"],
    async () => {
      await using registry = startEmbedded();
      await pushImage(
        clientOf(registry.host).repository("app"),
        makeImage({ architecture: "amd64", layers: LAYERS }),
        "1",
      );
      const from = `docker://${registry.host}/app:1`;
      const options = { systemContext: { dockerInsecureSkipTlsVerify: true }, signaturePolicy: acceptAnything };
      await using at = await makeStore(driver);
      await Promise.all([
        copyImage(from, storageName(at, "localhost/a:1"), options),
        copyImage(from, storageName(at, "localhost/b:1"), options),
        ok(["skopeo", "copy", "-q", "--src-tls-verify=false", from, storageName(at, "localhost/c:1")]),
      ]);
      const [image, ...others] = await at.store.listImages();
      assert.deepEqual([image!.names.toSorted(), others], [["localhost/a:1", "localhost/b:1", "localhost/c:1"], []]);
      assert.equal((await at.store.layers!.listLayers(image!.topLayer!)).length, 2);
      await ok(["buildah", ...at.flags, "rmi", "-f", "localhost/a:1", "localhost/b:1", "localhost/c:1"]);
      // New tools leave the folder, but nothing in it.
      const { stdout } = await exec(["ls", `${at.root}/${driver}/tempdirs`]);
      assert.equal(stdout, "");
    },
  );
}
