/** Layers that could not be read back later are refused before anything is in the store. */
import assert from "node:assert/strict";
import { gzipSync } from "node:zlib";
import { copyImage } from "../../mod.ts";
import { concatBytes } from "../../src/internal/room.ts";
import { digestOf } from "../../src/spec/room.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { clientOf, describe, encode, makeImage, makeTar, pushImage } from "../support/images.ts";
import { type OddEntry, oddTar } from "../support/odd_tar.ts";
import { peerTest } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { dumpTree } from "../support/store_dump.ts";
import { makeStore, storageName } from "../support/stores.ts";

const DRIVERS = ["vfs", "overlay"];
const OPTIONS = {
  systemContext: { dockerInsecureSkipTlsVerify: true, retryDelay: 0 },
  maxRetries: 0,
  signaturePolicy: acceptAnything,
};

const folder = (name: string): OddEntry => ({ name, type: "5" });
const file = (name: string, content = "x"): OddEntry => ({ name, content: encode(content) });
const link = (name: string, linkName: string): OddEntry => ({ name, type: "2", linkName });

/** Layers with the part of the message that names the entry. */
const REFUSED: Readonly<Record<string, { entries: OddEntry[]; message: RegExp; drivers?: string[] }>> = {
  "a path twice": { entries: [file("a/f"), file("./a//f")], message: /"\.\/a\/\/f" occurs twice/ },
  "a folder twice": { entries: [folder("d/"), folder("d")], message: /"d" occurs twice/ },
  "a GNU sparse file": { entries: [{ ...file("s"), type: "S" }], message: /"s" is a sparse file/ },
  "a PAX sparse file": {
    entries: [{ ...file("s"), pax: { "GNU.sparse.major": "1" } }],
    message: /"s" is a sparse file/,
  },
  "a whiteout with content": { entries: [file("d/.wh.w")], message: /"d\/\.wh\.w" is a whiteout with content/ },
  "a name that leads out": { entries: [file("../esc")], message: /"\.\.\/esc" has a name that leads out/ },
  "a name that leads up": { entries: [file("a/../f")], message: /"a\/\.\.\/f" has "\.\." in its name/ },
  "a hard link that leads out": {
    entries: [{ name: "h", type: "1", linkName: "../../etc/passwd" }],
    message: /"h" is a hard link that leads out/,
  },
  "a whiteout of the folder above": { entries: [file(".wh...", "")], message: /"\.wh\.\.\." is a whiteout without/ },
  "a whiteout of the folder itself": { entries: [file("d/.wh..", "")], message: /"d\/\.wh\.\." is a whiteout without/ },
  "a whiteout of nothing": { entries: [file("d/.wh.", "")], message: /"d\/\.wh\." is a whiteout without/ },
  "a whiteout of an own file": {
    entries: [file("d/f"), file("d/.wh.f", "")],
    message: /"d\/\.wh\.f" is a whiteout of an earlier entry/,
  },
  "a whiteout of an own folder": {
    entries: [file("d/e/f"), file(".wh.d", "")],
    message: /"\.wh\.d" is a whiteout of an earlier entry/,
  },
  "aufs metadata with content": { entries: [file(".wh..wh.plnk/1.2")], message: /"\.wh\.\.wh\.plnk\/1\.2" is below/ },
  "a file instead of an own folder": { entries: [file("d/f"), file("d")], message: /"d" replaces a folder/ },
  "a file below an own file": { entries: [file("f"), file("f/below")], message: /"f\/below" is below/ },
  "a type that nobody knows": { entries: [{ name: "z", type: "Z" }], message: /"z" has the type "Z"/ },
  "the top as a file": { entries: [file(".")], message: /"\." is the top of the layer/ },
  "a link whose target is replaced": {
    entries: [folder("r/"), link("s", "r"), file("s/f"), file("r/f", "other")],
    message: /"r\/f" removes an earlier file/,
  },
  "a hard link to nothing": {
    entries: [{ name: "h", type: "1", linkName: "none" }],
    message: /"h" is a hard link to "none"/,
  },
  "a hard link before its target": {
    entries: [{ name: "h", type: "1", linkName: "t" }, file("t")],
    message: /"h" is a hard link to "t"/,
  },
  "a hard link to a lower layer": {
    entries: [{ name: "h", type: "1", linkName: "arch" }],
    message: /"h" is a hard link to "arch", which is not an earlier entry of the same layer/,
    drivers: ["overlay"],
  },
};

peerTest("a layer that cannot be read back is refused, and its entry is named", ["root"], async (t) => {
  await using registry = startEmbedded();
  const repository = clientOf(registry.host).repository("app");
  const good = makeImage({ architecture: "amd64" });
  await pushImage(repository, good, "good");
  for (const driver of DRIVERS) {
    await using at = await makeStore(driver);
    await copyImage(`docker://${registry.host}/app:good`, storageName(at, "localhost/good"), OPTIONS);
    const before = dumpTree(at.root);
    for (const [what, { entries, message, drivers = DRIVERS }] of Object.entries(REFUSED)) {
      if (!drivers.includes(driver)) continue;
      await t.step(`${driver}: ${what}`, async () => {
        const layers = [makeTar("arch", "linux/amd64/\n"), oddTar(entries)];
        await pushImage(repository, makeImage({ architecture: "amd64", layers }), "bad");
        const copying = copyImage(`docker://${registry.host}/app:bad`, storageName(at, "localhost/bad"), OPTIONS);
        await assert.rejects(copying, { code: "LAYER_NOT_REPRODUCIBLE", message });
        const after = dumpTree(at.root).map((line) => line.replace(/ \d{19} /, " "));
        assert.deepEqual(after, before.map((line) => line.replace(/ \d{19} /, " ")));
      });
    }
  }
});

peerTest("a layer that is not the one of the configuration is not stored", ["root"], async () => {
  await using registry = startEmbedded();
  await using at = await makeStore();
  const repository = clientOf(registry.host).repository("app");
  const image = makeImage({ architecture: "amd64" });
  const layer = new Uint8Array(gzipSync(makeTar("other", "content")));
  const descriptor = describe("application/vnd.oci.image.layer.v1.tar+gzip", layer);
  const manifest = { ...JSON.parse(new TextDecoder().decode(image.manifest)), layers: [descriptor] };
  const blobs = [...image.blobs.slice(-1), { descriptor, bytes: layer }];
  await pushImage(repository, { manifest: encode(manifest), digest: digestOf(encode(manifest)), blobs }, "bad");
  const copying = copyImage(`docker://${registry.host}/app:bad`, storageName(at, "localhost/bad"), OPTIONS);
  await assert.rejects(copying, { code: "DIGEST_MISMATCH", message: /layer 1/ });
  assert.deepEqual(await at.store.listImages(), []);
});

peerTest("a layer that is damaged or not an archive is refused", ["root"], async (t) => {
  await using registry = startEmbedded();
  await using at = await makeStore();
  const repository = clientOf(registry.host).repository("app");
  const whole = oddTar([file("f", "y".repeat(2000))]);
  const rows: [string, Uint8Array<ArrayBuffer>, string][] = [
    ["a text", encode("This is not an archive, but a text of more than one block. ".repeat(20)), "ARCHIVE_INVALID"],
    ["truncated content", whole.slice(0, 1024), "ARCHIVE_INVALID"],
    ["a truncated header", whole.slice(0, 300), "ARCHIVE_INVALID"],
    ["bzip2", concatBytes([encode("BZh91AY&SY"), new Uint8Array(20)]), "COMPRESSION_NOT_SUPPORTED"],
  ];
  for (const [what, layer, code] of rows) {
    await t.step(what, async () => {
      await pushImage(repository, makeImage({ architecture: "amd64", layers: [layer], compressions: ["none"] }), "bad");
      const copying = copyImage(`docker://${registry.host}/app:bad`, storageName(at, "localhost/bad"), OPTIONS);
      await assert.rejects(copying, { code });
      assert.deepEqual(await at.store.listImages(), []);
    });
  }
});
