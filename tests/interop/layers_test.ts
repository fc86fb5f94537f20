/** Layers in stores that podman, buildah and skopeo wrote are read back unchanged. */
import assert from "node:assert/strict";
import { createDigester, type Digest, digestHex, digestOf } from "../../src/spec/room.ts";
import { type ByteStream, concatBytes, readChunks } from "../../src/internal/room.ts";
import type { StoredLayer } from "../../src/store/room.ts";
import { clientOf, encode, makeImage, pushImage } from "../support/images.ts";
import { type OddEntry, oddTar } from "../support/odd_tar.ts";
import { exec, ok, peerTest } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeStore, type TestStore } from "../support/stores.ts";

const NOTHING = new Uint8Array();
const DRIVERS = ["vfs", "overlay"];
const folder = (name: string): OddEntry => ({ name, type: "5" });

const BASE: readonly OddEntry[] = [
  folder("dir/"),
  { name: "dir/a", content: encode("hello\n") },
  { name: "dir/empty", content: NOTHING },
  { name: "dir/hard", type: "1", linkName: "dir/a" },
  { name: "dir/soft", type: "2", linkName: "/etc/passwd" },
  { name: "dir/uid", content: encode("owned"), uid: 3_000_000_000 },
  { name: "dir/xattr", content: encode("attributed"), pax: { "SCHILY.xattr.user.key": "value" } },
  { name: "dir/gone", content: encode("removed above") },
  { name: "dir/large", content: crypto.getRandomValues(new Uint8Array(65_536)) },
  { name: `deep/${"d".repeat(120)}/${"n".repeat(130)}`, content: encode("long") },
  { name: Uint8Array.of(...encode("latin/"), 0xe4, 0xff), content: encode("not UTF-8") },
  folder("opaque/"),
  { name: "opaque/old", content: encode("old") },
  { name: "./dotted/name", content: encode("dotted") },
  { name: "ümlaut/<&>\u2028", content: encode("escaped") },
  folder("usr/lib/"),
  { name: "lib", type: "2", linkName: "usr/lib" },
  { name: "dev/null", type: "3", device: [1, 3] },
  { name: "dev/loop", type: "4", device: [7, 0] },
  { name: "dev/pipe", type: "6" },
  ...Array.from({ length: 70 }, (_, i) => ({ name: `many/${i}`, content: encode("x".repeat(i)) })),
];

const SECOND: readonly OddEntry[] = [
  { name: "dir/.wh.gone", content: NOTHING },
  { name: "opaque/.wh..wh..opq", content: NOTHING },
  { name: "opaque/new", content: encode("new") },
  { name: "lib/so", content: encode("over a link of the layer below") },
];

function storageName({ driver, root, runRoot }: TestStore, name: string): string {
  return `containers-storage:[${driver}@${root}+${runRoot}]${name}`;
}

/** Puts an image of these layers into a store, by way of a registry and skopeo. */
async function importImage(at: TestStore, name: string, layers: Uint8Array<ArrayBuffer>[]): Promise<void> {
  await using registry = startEmbedded();
  await pushImage(clientOf(registry.host).repository("odd"), makeImage({ architecture: "amd64", layers }), "1");
  const from = `docker://${registry.host}/odd:1`;
  await ok(["skopeo", "copy", "-q", "--src-tls-verify=false", from, storageName(at, name)]);
}

async function layersOf({ store }: TestStore, name: string): Promise<readonly StoredLayer[]> {
  const found = await store.findImage(name);
  return await store.layers!.listLayers(found!.image.topLayer!);
}

async function digestStream(stream: ByteStream): Promise<Digest> {
  const digester = createDigester();
  for await (const chunk of readChunks(stream)) digester.update(chunk);
  return digester.digest();
}

for (const driver of DRIVERS) {
  peerTest(`layers with every oddity of tar are read back unchanged (${driver})`, ["skopeo", "root"], async () => {
    await using at = await makeStore(driver);
    const tars = [oddTar(BASE), oddTar(SECOND), oddTar([])];
    await importImage(at, "localhost/odd:1", tars);
    const layers = await layersOf(at, "localhost/odd:1");
    assert.deepEqual(layers.map(({ diffDigest }) => diffDigest), tars.map((tar) => digestOf(tar)));
    assert.deepEqual(layers.map(({ diffSize }) => diffSize), tars.map(({ length }) => length));
    for (const [i, layer] of layers.entries()) {
      const chunks = await Array.fromAsync(readChunks(await at.store.layers!.openLayer(layer)));
      assert.equal(digestOf(concatBytes(chunks)), digestOf(tars[i]!), `layer ${i}`);
    }
  });

  peerTest(`layers of buildah are read back with the bytes that skopeo reads (${driver})`, [
    "buildah",
    "skopeo",
    "root",
  ], async () => {
    await using at = await makeStore(driver);
    const buildah = (...args: string[]) => ok(["buildah", ...at.flags, ...args]);
    const commit = async (from: string, name: string, script: string) => {
      const container = await buildah("from", "--pull-never", from);
      const mounted = await buildah("mount", container);
      await ok(["bash", "-euc", script], { ROOT: mounted, PATH: Deno.env.get("PATH")! });
      await buildah("umount", container);
      await buildah("commit", "-q", container, name);
      await buildah("rm", container);
    };
    await commit(
      "scratch",
      "localhost/below:1",
      `cd "$ROOT"; mkdir -p dir opaque/in; echo a > dir/a; echo b > dir/b; ln dir/b dir/hard; ln -s b dir/soft
       truncate -s 3M dir/sparse; printf end >> dir/sparse; chown 3000000000:5 dir/a; mknod dir/null c 1 3; mkfifo dir/pipe
       echo old > opaque/in/old; chmod 4755 dir/b; echo long > "$(printf 'n%.0s' {1..220})"; echo raw > $'raw\\xff'`,
    );
    await commit(
      "localhost/below:1",
      "localhost/above:1",
      `cd "$ROOT"; rm dir/a; rm -r opaque; mkdir opaque; echo new > opaque/new; echo changed >> dir/b`,
    );
    await commit("localhost/above:1", "localhost/top:1", ":");
    const layers = await layersOf(at, "localhost/top:1");
    assert.ok(layers.length >= 2, `${layers.length} layers`);
    const copied = `${at.folder}/copied`;
    await ok(["skopeo", "copy", "-q", storageName(at, "localhost/top:1"), `dir:${copied}`]);
    for (const layer of layers) {
      const theirs = await Deno.readFile(`${copied}/${digestHex(layer.diffDigest!)}`);
      assert.equal(theirs.length, layer.diffSize);
      assert.equal(await digestStream(await at.store.layers!.openLayer(layer)), digestOf(theirs));
    }
  });
}

peerTest(
  "a damaged file is named in the error, and a layer without its tar-split is refused",
  ["skopeo", "root"],
  async () => {
    await using at = await makeStore("vfs");
    await importImage(at, "localhost/odd:1", [oddTar(BASE)]);
    const [layer] = await layersOf(at, "localhost/odd:1");
    await Deno.writeTextFile(`${at.root}/vfs/dir/${layer!.id}/dir/a`, "hullo\n");
    const read = async () => await digestStream(await at.store.layers!.openLayer(layer!));
    await assert.rejects(read, { code: "LAYER_NOT_REPRODUCIBLE", message: /"dir\/a" has different content/ });
    await Deno.remove(`${at.root}/vfs-layers/${layer!.id}.tar-split.gz`);
    await assert.rejects(read, { code: "LAYER_NOT_REPRODUCIBLE", message: /tar-split file is missing/ });
  },
);

// Podman and skopeo read the file of the host to which the link points.
peerTest("an absolute link is resolved inside the layer, not on the host", ["skopeo", "root"], async () => {
  await using at = await makeStore("vfs");
  const tars = [
    oddTar([folder("usr/"), { name: "link", type: "2", linkName: "/usr" }]),
    oddTar([{ name: "link/a", content: encode("within") }]),
  ];
  await importImage(at, "localhost/odd:1", tars);
  const [, layer] = await layersOf(at, "localhost/odd:1");
  assert.equal(await digestStream(await at.store.layers!.openLayer(layer!)), digestOf(tars[1]!));
  const { code } = await exec(["skopeo", "copy", "-q", storageName(at, "localhost/odd:1"), `dir:${at.folder}/out`]);
  assert.notEqual(code, 0, "skopeo cannot");
});
