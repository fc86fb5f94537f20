/** Lists whose data is gone: shown, explained, and removed. */
import assert from "node:assert/strict";
import { create, editList, listStoredLists, loadFromImage } from "../../mod.ts";
import { cli, cliOk } from "../support/cli.ts";
import { encode } from "../support/images.ts";
import { makeStore, type TestStore } from "../support/stores.ts";

const fileOf = ({ root }: TestStore, id: string, name: string) => `${root}/vfs-images/${id}/${name}`;

/** A store with a whole list and two that are damaged, and an ordinary image. */
async function fill(at: TestStore): Promise<{ gone: string; garbled: string; bare: string }> {
  await create().saveToImage(at.store, { names: ["whole"] });
  const gone = await create().saveToImage(at.store, { names: ["gone", "also"] });
  await Deno.remove(fileOf(at, gone, "manifest"));
  const garbled = await create().saveToImage(at.store, { names: ["garbled"] });
  await Deno.writeTextFile(fileOf(at, garbled, "manifest"), "{");
  // podman and buildah leave such a record if they crash after creating it and before writing its items.
  const { id: bare } = await at.store.createImage({ names: ["localhost/bare:latest"], data: [] });
  const image = encode({ schemaVersion: 2, mediaType: "application/vnd.oci.image.manifest.v1+json", layers: [] });
  await at.store.createImage({ names: ["localhost/image:latest"], data: [{ key: "manifest", bytes: image }] });
  return { gone, garbled, bare };
}

Deno.test("a damaged list is listed with its problem, and cannot be loaded", async () => {
  await using at = await makeStore();
  await fill(at);
  const lists = await Array.fromAsync(listStoredLists(at.store));
  assert.deepEqual(lists.map(({ names, problem }) => [names[0], problem]), [
    ["localhost/whole:latest", undefined],
    ["localhost/gone:latest", "its manifest is missing in the store"],
    ["localhost/garbled:latest", "its manifest in the store cannot be read"],
    ["localhost/bare:latest", "its manifest is missing in the store"],
  ]);
  for (const name of ["gone", "garbled", "bare"]) {
    const expected = {
      code: "STORE_CORRUPT",
      message: /Cannot use list "localhost\/.*: its manifest .*: remove the list/,
    };
    await assert.rejects(loadFromImage(at.store, name), expected, name);
    await assert.rejects(editList(at.store, name, () => {}), { code: "STORE_CORRUPT" }, name);
    await assert.rejects(create().push(`containers-storage:${at.store.location}localhost/${name}:latest`), {
      code: "STORE_CORRUPT",
    }, name);
  }
  await assert.rejects(loadFromImage(at.store, "image"), { code: "NOT_A_MANIFEST_LIST" });
});

Deno.test("the command line shows damaged lists with their problem, and removes them", async () => {
  await using at = await makeStore();
  const { gone, garbled, bare } = await fill(at);
  const shown = await cliOk([...at.flags, "ls"]);
  for (const name of ["whole", "gone", "also", "garbled", "bare"]) {
    assert.match(shown, new RegExp(`localhost/${name}:latest`));
  }
  assert.equal(shown.match(/cannot be read/g)?.length, 4);
  assert.doesNotMatch(shown, /localhost\/image/);
  for (
    const args of [["inspect", "gone"], ["exists", "gone"], ["tag", "gone", "x"], ["annotate", "--index", "gone"], [
      "create",
      "--amend",
      "gone",
    ], ["push", "gone", "dir:/none"]]
  ) {
    const { code, stderr } = await cli([...at.flags, ...args]);
    assert.equal(code, 125, args.join(" "));
    assert.match(stderr, /its manifest is missing in the store: remove the list \(rm\)/, args.join(" "));
  }
  const { code, stdout, stderr } = await cli([...at.flags, "rm", gone.slice(0, 12)]);
  assert.deepEqual([code, stdout], [125, ""]);
  assert.match(stderr, /with more than one tag/);
  assert.equal(await cliOk([...at.flags, "rm", "also"]), "Untagged: localhost/also:latest");
  const removed = await cli([...at.flags, "rm", "gone", garbled, "bare"]);
  assert.deepEqual([removed.code, removed.stderr.match(/Warning: deleting list/g)?.length], [0, 3]);
  for (const id of [gone, garbled, bare]) {
    assert.match(removed.stdout, new RegExp(`Deleted: ${id}`));
    assert.equal(await at.store.findImage(id), undefined);
  }
  const refused = await cli([...at.flags, "rm", "image"]);
  assert.match(refused.stderr, /image is not a manifest list/);
});
