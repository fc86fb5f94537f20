/** Images that are written into local stores, compared with what skopeo writes. */
import assert from "node:assert/strict";
import { copyImage } from "../../mod.ts";
import { digestOf } from "../../src/spec/room.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { makeCorpus } from "../support/layer_corpus.ts";
import { clientOf, makeImage, pushImage } from "../support/images.ts";
import { ok, peerTest } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { dumpTree } from "../support/store_dump.ts";
import { makeStore, storageName, type TestStore } from "../support/stores.ts";

const DRIVERS = ["vfs", "overlay"];

const POLICY = { signaturePolicy: acceptAnything };

async function readJson(
  { root, driver }: Pick<TestStore, "root" | "driver">,
  kind: "images" | "layers",
): Promise<Record<string, unknown>[]> {
  return JSON.parse(await Deno.readTextFile(`${root}/${driver}-${kind}/${kind}.json`));
}

/** Dumps the folders of all layers. The times of their tops and of whiteouts are when they were created. */
async function dumpLayers({ root, driver }: TestStore): Promise<string[]> {
  const layers = await readJson({ root, driver }, "layers");
  return layers.flatMap(({ id }) => {
    const [top, ...rest] = dumpTree(driver === "vfs" ? `${root}/vfs/dir/${id}` : `${root}/overlay/${id}/diff`);
    const timeless = rest.map((line) => line.replace(/( 20000 \S+) \d{19} /, "$1 TIME "));
    return [top!.replace(/ \d{19} /, " TIME "), ...timeless].map((line) => `${String(id).slice(0, 12)} ${line}`);
  });
}

/** Compares lines, and shows only those that differ. */
function assertSameLines(actual: readonly string[], expected: readonly string[]): void {
  const [ours, theirs] = [new Set(actual), new Set(expected)];
  assert.deepEqual([...ours.difference(theirs)], [...theirs.difference(ours)]);
}

/** A registry with the corpus as `app:1`. */
async function startWithCorpus() {
  const registry = startEmbedded();
  const layers = makeCorpus();
  const image = makeImage({ architecture: "amd64", layers, compressions: ["gzip", "zstd", "none"] });
  await pushImage(clientOf(registry.host).repository("app"), image, "1");
  return { registry, layers, image, from: `docker://${registry.host}/app:1` };
}

const OPTIONS = { systemContext: { dockerInsecureSkipTlsVerify: true }, ...POLICY };
const NAME = "localhost/app:1";

peerTest("a store that is filled here equals one that skopeo fills", ["skopeo", "root"], async (t) => {
  const { registry, from } = await startWithCorpus();
  await using _registry = registry;
  for (const driver of DRIVERS) {
    await t.step(driver, async () => {
      await using ours = await makeStore(driver);
      await using theirs = await makeStore(driver);
      await ok(["skopeo", "copy", "-q", "--src-tls-verify=false", from, storageName(theirs, NAME)]);
      await copyImage(from, storageName(ours, NAME), OPTIONS);
      assertSameLines(await dumpLayers(ours), await dumpLayers(theirs));
      const timeless = (records: Record<string, unknown>[]) => records.map((record) => ({ ...record, created: "" }));
      assert.deepEqual(timeless(await readJson(ours, "layers")), timeless(await readJson(theirs, "layers")));
      // Old tools also write an empty item for signatures.
      const [image] = await readJson(ours, "images"), [other] = await readJson(theirs, "images");
      for (const member of ["id", "digest", "names", "names-history", "layer"]) {
        assert.deepEqual(image![member], other![member], member);
      }
      const items = (other!["big-data-names"] as string[]).filter((name) => !name.startsWith("signature"));
      assert.deepEqual(image!["big-data-names"], items);
    });
  }
});

peerTest("podman, buildah and skopeo use an image that was written here", [
  "podman",
  "buildah",
  "skopeo",
  "root",
], async (t) => {
  const { registry, from, layers } = await startWithCorpus();
  await using _registry = registry;
  for (const driver of DRIVERS) {
    await t.step(driver, async () => {
      await using at = await makeStore(driver);
      await copyImage(from, storageName(at, NAME), OPTIONS);
      const podman = (...args: string[]) => ok(["podman", ...at.flags, ...args]);
      const buildah = (...args: string[]) => ok(["buildah", ...at.flags, ...args]);
      assert.match(await podman("images", "--format", "{{.Repository}}:{{.Tag}}"), /^localhost\/app:1$/m);
      assert.match(await podman("image", "inspect", "--format", "{{len .RootFS.Layers}}", NAME), /^5$/m);
      const out = `${at.folder}/out`;
      await ok(["skopeo", "copy", "-q", storageName(at, NAME), `dir:${out}`]);
      const manifest = JSON.parse(await Deno.readTextFile(`${out}/manifest.json`));
      assert.deepEqual(manifest.layers.map(({ digest }: { digest: string }) => digest), layers.map((l) => digestOf(l)));
      const container = (await buildah("from", "--pull-never", NAME)).trim();
      const folder = (await buildah("mount", container)).trim();
      assert.equal(await Deno.readTextFile(`${folder}/bin/tool`), "#!/bin/sh\necho changed\n");
      assert.deepEqual((await Array.fromAsync(Deno.readDir(`${folder}/dir/opaque`))).map(({ name }) => name).sort(), [
        "early",
        "new",
      ]);
      await assert.rejects(Deno.lstat(`${folder}/dir/gone`), Deno.errors.NotFound);
      assert.ok((await Deno.stat(`${folder}/dir/replaced`)).isDirectory);
      await buildah("rm", container);
      await podman("save", "-q", "--format", "oci-archive", "-o", `${at.folder}/saved.tar`, NAME);
      await podman("push", "-q", NAME, `oci:${at.folder}/layout`);
      await podman("rmi", NAME);
      assert.deepEqual(await readJson(at, "layers"), []);
      const rest = driver === "vfs" ? `${at.root}/vfs/dir` : `${at.root}/overlay/l`;
      assert.deepEqual(await Array.fromAsync(Deno.readDir(rest)), []);
    });
  }
});
