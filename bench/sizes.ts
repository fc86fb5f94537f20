import { create, List, loadFromImage, openStore } from "../mod.ts";
import { makeStore, type TestStore } from "../tests/support/stores.ts";
import { CLI } from "./settings.ts";
import { compare, measure, report, reportAll } from "./support.ts";

/** Fills a store with 5,000 lists: one is saved, the others are copies of its record, since 5,000 saves take too long. */
async function fill({ root, store }: TestStore): Promise<void> {
  await create().saveToImage(store, { names: ["n0"] });
  const path = `${root}/vfs-images/images.json`;
  const [record] = JSON.parse(await Deno.readTextFile(path));
  const records = Array.from({ length: 5_000 }, (_, i) => ({
    ...record,
    ...(i > 0 ? { id: i.toString(16).padStart(64, "0") } : {}),
    names: [`localhost/n${i}:latest`],
  }));
  await Deno.writeTextFile(path, JSON.stringify(records));
  await Deno.writeFile(`${root}/vfs-images/images.lock`, crypto.getRandomValues(new Uint8Array(64)));
}

/** Measures operations on long lists and large stores in this process. */
export async function sizes(): Promise<void> {
  const digests = Array.from({ length: 10_000 }, (_, i) => `sha256:${i.toString(16).padStart(64, "0")}`);
  const platform = { os: "linux", architecture: "amd64" };
  const mediaType = "application/vnd.oci.image.manifest.v1+json";
  const list = create();
  const forAll = (change: (digest: string) => void) => () => Promise.resolve(digests.forEach(change));
  reportAll(
    "A list of 10,000 instances",
    await compare(5, [
      { name: "add all", run: forAll((digest) => list.addInstance({ digest, size: 1, mediaType, platform })) },
      { name: "annotate all", run: forAll((digest) => list.setAnnotations(digest, { a: "b" })) },
      { name: "serialize", run: () => Promise.resolve(void list.serialize()) },
      { name: "read again", run: () => Promise.resolve(void List.fromBlob(list.serialize())) },
    ]),
  );
  await using at = await makeStore();
  await fill(at);
  const { root, runRoot, driver, store } = at;
  reportAll(
    "A store of 5,000 lists",
    await compare(5, [
      {
        name: "open and look up",
        run: async () => void await (await openStore({ root, runRoot, driver })).findImage("localhost/n1:latest"),
      },
      { name: "load a list", run: async () => void await loadFromImage(store, "n0") },
      { name: "create a list", run: async (run) => void await create().saveToImage(store, { names: [`x${run}`] }) },
    ]),
  );
  report(
    "exists, as a process, in a store of 5,000 lists",
    await compare(5, [
      { name: "manifests exists", run: async () => await measure([...CLI, ...at.flags, "exists", "n0"]) },
      {
        name: "buildah manifest exists",
        run: async () => await measure(["buildah", ...at.flags, "manifest", "exists", "n0"]),
      },
    ]),
  );
}
