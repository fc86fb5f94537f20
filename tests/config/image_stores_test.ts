/** Additional read-only stores, and the image store for new records. */
import assert from "node:assert/strict";
import { create } from "../../mod.ts";
import { findStore } from "../../src/config/files/room.ts";
import { openContainersStorage } from "../../src/store/containers_storage/room.ts";
import { CLI } from "../support/cli.ts";
import { exec, ok, peerTest } from "../support/peers.ts";
import { makeStore } from "../support/stores.ts";

const place = (driver: string) => ({ root: "/none/root", runRoot: "/none/run", driver });

Deno.test("the driver option imagestore adds a read-only store, like additionalimagestore", async () => {
  const rows: [driver: string, option: string, additional: string[]][] = [
    ["vfs", "imagestore=/e", ["/e"]],
    ["vfs", ".imagestore=/e", ["/e"]],
    ["vfs", "vfs.imagestore=/e", ["/e"]],
    ["vfs", "VFS.ImageStore=/e", ["/e"]],
    ["vfs", "vfs.imagestore=/e,/f,", ["/e", "/f"]],
    ["vfs", "additionalimagestore=/e", ["/e"]],
    ["overlay", "imagestore=/e", ["/e"]],
    ["overlay", "IMAGESTORE=/e", ["/e"]],
    ["overlay", ".additionalimagestore=/e", ["/e"]],
    ["overlay", "overlay.additionalimagestore=/e", ["/e"]],
    ["overlay", "overlay2.imagestore=/e", ["/e"]],
    ["overlay2", "overlay.imagestore=/e", ["/e"]],
    ["vfs", "overlay.imagestore=/e", []],
    ["overlay", "vfs.imagestore=/e", []],
    ["overlay", "btrfs.additionalimagestore=/e", []],
    ["overlay", "overlay.mountopt=imagestore=/e", []],
    ["overlay", "imagestore=", []],
    ["overlay", "imagestores=/e", []],
    ["overlay", "imagestore=/none/root", []],
  ];
  for (const [driver, option, additional] of rows) {
    const found = await findStore({ ...place(driver), driverOptions: [option] });
    assert.deepEqual([found.imageStore, found.additionalImageStores], [undefined, additional], `${driver} ${option}`);
  }
  const several = await findStore({ ...place("vfs"), driverOptions: ["imagestore=/e", "vfs.imagestore=/f"] });
  assert.deepEqual(several.additionalImageStores, ["/e", "/f"]);
  await assert.rejects(findStore({ ...place("vfs"), driverOptions: ["other.imagestore=/e"] }), {
    code: "CONFIG_FILE_INVALID",
  });
});

Deno.test("new records are written to the image store; the graph root is still read and cleared", async () => {
  await using at = await makeStore();
  const imageStore = `${at.folder}/images`;
  const old = await create().saveToImage(at.store, { names: ["old"] });
  const found = await findStore({ root: at.root, runRoot: at.runRoot, driver: at.driver, imageStore });
  await using store = openContainersStorage(found, Deno.build.os === "linux" ? "shared" : "deno-only");
  const id = await create().saveToImage(store, { names: ["new"] });
  assert.ok((await Deno.stat(`${imageStore}/vfs-images/${id}/manifest`)).isFile);
  assert.equal(await at.store.findImage("localhost/new:latest"), undefined);
  assert.equal((await store.findImage("localhost/old:latest"))?.image.id, old);
  // A store that is opened by its name in a reference has both.
  assert.ok(store.location.endsWith(`:vfs.imagestore=${imageStore}]`), store.location);
  await store.updateNames(old, "add", ["localhost/older:1"]);
  assert.deepEqual((await store.listImages()).map((image) => image.id).sort(), [id, old].sort());
  const { names } = (await store.findImage(old))!.image;
  await store.deleteImage(old, { ifNames: names });
  assert.equal(await at.store.findImage(old), undefined, "the record of the graph root is gone too");
  assert.equal(await store.findImage(old), undefined);
});

for (const driver of ["vfs", "overlay"]) {
  peerTest(
    `options name the stores that buildah and podman use (${driver})`,
    ["buildah", "podman", "root"],
    async () => {
      await using extra = await makeStore(driver);
      await using at = await makeStore(driver);
      await create().saveToImage(extra.store, { names: ["seen"] });
      const conf = `${at.folder}/storage.conf`;
      const write = (rest: string) =>
        Deno.writeTextFile(
          conf,
          `[storage]\ndriver="${driver}"\ngraphroot="${at.root}"\nrunroot="${at.runRoot}"\n${rest}`,
        );
      const roots = at.flags.slice(0, 4);
      const option = `${driver}.imagestore=${extra.root}`;
      const harmless = `${driver}.ignore_chown_errors=false`;
      const additional = `[storage.options]\nadditionalimagestores=["${extra.root}"]\n`;
      const rows: [rest: string, flags: string[], env: Record<string, string>][] = [
        ["", [], {}],
        ["", ["--storage-opt", option], {}],
        ["", [...at.flags, "--storage-opt", option], {}],
        ["", ["--storage-opt", `.imagestore=${extra.root}`], {}],
        ["", [], { STORAGE_OPTS: option }],
        ["", [], { STORAGE_OPTS: `${harmless},${option}` }],
        ["", roots, { STORAGE_OPTS: option }],
        ["", at.flags, { STORAGE_OPTS: option }],
        [additional, [], {}],
        [additional, roots, {}],
        [additional, ["--storage-driver", driver], {}],
        [additional, ["--storage-opt", harmless], {}],
        [additional, [], { STORAGE_OPTS: "" }],
        [additional, [], { STORAGE_OPTS: harmless }],
        [additional, [], { STORAGE_DRIVER: driver }],
      ];
      for (const tool of ["buildah", "podman"]) {
        for (const [rest, flags, env] of rows) {
          await write(rest);
          const all = { CONTAINERS_STORAGE_CONF: conf, ...env };
          const theirs = await exec([tool, ...flags, "manifest", "exists", "seen"], all);
          const ours = await exec([...CLI, ...flags, "exists", "seen"], { ...all, MANIFESTS_PERSONA: tool });
          assert.equal(
            ours.code,
            theirs.code,
            `${tool} ${rest} ${flags.join(" ")} ${JSON.stringify(env)} ${ours.stderr}`,
          );
        }
        await write("");
        const env = { CONTAINERS_STORAGE_CONF: conf };
        await ok([...CLI, "--storage-opt", option, "create", `by-${tool}`], env);
        assert.ok(
          await at.store.findImage(`localhost/by-${tool}:latest`),
          "an option never changes the store in which lists are saved",
        );
        assert.equal(await extra.store.findImage(`localhost/by-${tool}:latest`), undefined);
      }
      const images = `${at.folder}/images`;
      for (const [rest, flags] of [["", ["--imagestore", images]], [`imagestore="${images}"\n`, []]] as const) {
        await write(rest);
        await ok([...CLI, ...flags, "create", `image-store-${flags.length}`], { CONTAINERS_STORAGE_CONF: conf });
      }
      const records = JSON.parse(await Deno.readTextFile(`${images}/${driver}-images/images.json`));
      assert.deepEqual(records.map(({ names }: { names: string[] }) => names[0]).sort(), [
        "localhost/image-store-0:latest",
        "localhost/image-store-2:latest",
      ]);
    },
  );
}
