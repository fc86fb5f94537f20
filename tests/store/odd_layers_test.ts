/** Entries of layers that other tools treat in a way of their own, as skopeo 1.9 and 1.22 unpack them. */
import assert from "node:assert/strict";
import { toStream } from "../../src/internal/room.ts";
import { digestHex, digestOf } from "../../src/spec/room.ts";
import { openImageWriter } from "../../src/store/containers_storage/room.ts";
import { encode } from "../support/images.ts";
import { type OddEntry, oddTar } from "../support/odd_tar.ts";
import { peerTest } from "../support/peers.ts";
import { dumpTree } from "../support/store_dump.ts";
import { makeStore, type TestStore } from "../support/stores.ts";

const DRIVERS = ["vfs", "overlay"];
const NOTHING = new Uint8Array();
const whiteout = (name: string): OddEntry => ({ name, content: NOTHING });
const link = (name: string, rest: Partial<OddEntry>): OddEntry => ({ name, type: "2", linkName: "target", ...rest });

/** Writes an image and returns the id of its top layer. */
async function write(at: TestStore, layers: readonly OddEntry[][]): Promise<string> {
  const location = {
    graphRoot: at.root,
    runRoot: at.runRoot,
    realRoot: at.root,
    driver: at.driver,
    additionalImageStores: [],
    driverOptions: [],
  };
  await using writer = await openImageWriter(location);
  const digests = [];
  for (const tar of layers.map(oddTar)) {
    const digest = digestOf(tar);
    digests.push(digest);
    const measured = () => ({ digest, size: tar.length });
    await writer.putLayer({ describe: () => digest, size: tar.length, measured }, toStream(tar));
  }
  const { topLayer } = await writer.commit({
    id: digestHex(digestOf(encode(digests.join()))),
    names: [],
    items: [],
    metadata: "{}",
    layers: digests.map((digest) => ({ digest, diffId: digest })),
  });
  return topLayer!;
}

/** Writes an image and returns what the disk has in its top layer: the lines of the paths, without the names. */
async function unpack(at: TestStore, layers: readonly OddEntry[][]): Promise<Map<string, string>> {
  const topLayer = await write(at, layers);
  const lines = dumpTree(
    at.driver === "vfs" ? `${at.root}/vfs/dir/${topLayer}` : `${at.root}/overlay/${topLayer}/diff`,
  );
  return new Map(lines.map((line) => {
    const [, path, rest] = /^("[^"]*") (.*)$/.exec(line)!;
    return [JSON.parse(path!), rest!];
  }));
}

peerTest("times, attributes and folders of odd entries are as in other tools", ["root"], async (t) => {
  const BASE = [{ name: "file", content: encode("x") }];
  /** Layers, and a pattern for the line of each path that the top layer must have. */
  const rows: [string, OddEntry[][], Record<string, RegExp>, string[]?][] = [
    ["a link keeps a time before 1970", [[link("l", { pax: { mtime: "-3.5" } })]], {
      "./l": /^120777 0:0 -3500000000 /,
    }],
    ["a time after 2262 becomes 1970", [[{ name: "f", pax: { mtime: "9223372037" } }]], { "./f": /^100755 0:0 0 / }],
    ["a time in 2262 is kept", [[{ name: "f", pax: { mtime: "9223372036.5" } }]], {
      // The time is the last one that the disk can have, if that is earlier.
      "./f": /^100755 0:0 [1-9]\d{18} /,
    }],
    ["an attribute can be empty", [[{ name: "f", pax: { "SCHILY.xattr.user.empty": "" } }]], {
      "./f": / user\.empty=$/,
    }],
    ["a whiteout creates the folders above it", [BASE, [whiteout("new/deep/.wh.gone")]], {
      "./new": /^40755 0:0 /,
      "./new/deep": /^40755 0:0 /,
    }],
    ["an opaque folder is created", [BASE, [whiteout("new/deep/.wh..wh..opq")]], { "./new/deep": /^40755 0:0 / }],
    ["a whiteout below a link to a file removes nothing", [BASE, [
      { name: "target", content: encode("y") },
      link("l", {}),
      whiteout("l/.wh.gone"),
      whiteout("l/.wh..wh..opq"),
    ]], { "./target": /^100755 0:0 / }],
    ["a whiteout below a link to nothing removes nothing", [BASE, [link("l", {}), whiteout("l/.wh.gone")]], {
      "./l": /^120777 0:0 /,
    }],
    ["the entry / has the metadata of the top", [[{ name: "/", type: "5", mode: 0o700, uid: 7, gid: 8 }]], {
      ".": /^40700 7:8 1700000000000000000 /,
    }],
    ["a layer without the entry / has the top of its parent", [[{ name: "/", type: "5", mode: 0o711 }], BASE], {
      ".": /^40711 0:0 /,
    }],
    ["the entry ./ has the metadata of the top in vfs", [[{ name: "./", type: "5", mode: 0o700 }]], {
      ".": /^40700 /,
    }, ["vfs"]],
    ["the entry ./ is ignored in overlay", [[{ name: "./", type: "5", mode: 0o700 }]], { ".": /^40555 / }, ["overlay"]],
  ];
  for (const driver of DRIVERS) {
    await using at = await makeStore(driver);
    for (const [what, layers, expected, drivers = DRIVERS] of rows) {
      if (!drivers.includes(driver)) continue;
      await t.step(`${driver}: ${what}`, async () => {
        const found = await unpack(at, layers);
        for (const [path, pattern] of Object.entries(expected)) {
          assert.match(found.get(path) ?? "nothing", pattern, path);
        }
      });
    }
  }
});

peerTest("no layer is put on one whose files for mounting are damaged", ["root"], async () => {
  const file = (name: string): OddEntry => ({ name, content: encode(name) });
  const layers = [[file("a")], [file("b")], [file("c")]];
  for (const damaged of ["link", "lower"]) {
    await using at = await makeStore("overlay");
    const below = await write(at, layers.slice(0, 2));
    // As after a power failure.
    await Deno.writeTextFile(`${at.root}/overlay/${below}/${damaged}`, "");
    const before = dumpTree(`${at.root}/overlay/l`);
    await assert.rejects(write(at, layers), { code: "STORE_IO", message: /"link" or "lower" .* is missing: / });
    assert.equal(JSON.parse(await Deno.readTextFile(`${at.root}/overlay-layers/layers.json`)).length, 2);
    assert.deepEqual(dumpTree(`${at.root}/overlay/l`).slice(1), before.slice(1));
  }
});
