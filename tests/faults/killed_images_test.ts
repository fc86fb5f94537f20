/** A process that is killed while it writes an image: the store opens in other tools, and the next run succeeds. */
import assert from "node:assert/strict";
import { copyImage } from "../../mod.ts";
import { acceptAnything } from "../../src/signature/room.ts";
import { digestOf } from "../../src/spec/room.ts";
import { clientOf, encode, makeImage, pushImage } from "../support/images.ts";
import { oddTar } from "../support/odd_tar.ts";
import { exec, ok, peerTest } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeStore, storageName, type TestStore } from "../support/stores.ts";

const LAYERS = ["one", "two"].map((name) =>
  oddTar([
    { name: "d/", type: "5" },
    ...["a", "b"].map((file) => ({ name: `d/${name}-${file}`, content: encode(name) })),
    { name: `d/${name}-c`, type: "1", linkName: `d/${name}-a` },
  ])
);

/** Copies an image in a process that is killed before a step. Returns the number of steps; `undefined` if it was killed. */
async function copyUntil(step: number, from: string, at: TestStore): Promise<number | undefined> {
  const script = new URL("../support/killed_copy.ts", import.meta.url).pathname;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const args = ["run", "-A", "--no-check", "--config", config, script, from, storageName(at, "localhost/app:1")];
  const { code, signal, stdout } = await new Deno.Command(Deno.execPath(), { args: [...args, `${step}`] }).output();
  if (signal === "SIGKILL") return undefined;
  assert.equal(code, 0);
  return Number(new TextDecoder().decode(stdout));
}

for (const driver of ["vfs", "overlay"]) {
  peerTest(
    `after kill -9, a store in ${driver} opens in podman and buildah, and the next run succeeds`,
    ["buildah", "podman", "skopeo", "root"],
    async () => {
      await using clean = await makeStore(driver);
      const from = `oci:${clean.folder}/layout:1`;
      {
        await using registry = startEmbedded();
        await pushImage(
          clientOf(registry.host).repository("app"),
          makeImage({ architecture: "amd64", layers: LAYERS }),
          "1",
        );
        const systemContext = { dockerInsecureSkipTlsVerify: true };
        await copyImage(`docker://${registry.host}/app:1`, from, { systemContext, signaturePolicy: acceptAnything });
      }
      const steps = (await copyUntil(Infinity, from, clean))!;
      assert.ok(steps > 40, `only ${steps} steps`);
      // While layers are unpacked, when they become visible, and before the records of the layers and the image.
      for (const step of [0.3, 0.6, 0.8, 0.97].map((part) => Math.ceil(part * steps))) {
        await using at = await makeStore(driver);
        assert.equal(await copyUntil(step, from, at), undefined, `step ${step} of ${steps}`);
        for (const tool of ["podman", "buildah"]) await ok([tool, ...at.flags, "images"]);
        assert.ok(await copyUntil(Infinity, from, at));
        const [image, ...others] = await at.store.listImages();
        assert.deepEqual([image!.names, others], [["localhost/app:1"], []]);
        await ok(["podman", ...at.flags, "image", "exists", "localhost/app:1"]);
        // Every layer is read back, and compared with the digest in the manifest.
        await ok(["skopeo", "copy", "-q", storageName(at, "localhost/app:1"), `dir:${at.folder}/copy`]);
        const { layers } = JSON.parse(await Deno.readTextFile(`${at.folder}/copy/manifest.json`));
        assert.deepEqual(
          layers.map(({ digest }: { digest: string }) => digest),
          LAYERS.map((layer) => digestOf(layer)),
          `after step ${step}`,
        );
        const { stdout } = await exec(["ls", `${at.root}/${driver}/tempdirs`]);
        assert.equal(stdout, "");
      }
    },
  );
}
