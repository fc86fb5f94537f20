/** One list with an instance from every kind of place goes, in one push, to every kind of place. */
import assert from "node:assert/strict";
import { create, loadFromImage } from "../../mod.ts";
import { digestOf } from "../../src/spec/room.ts";
import { buildImages } from "../support/built_images.ts";
import { cliOk } from "../support/cli.ts";
import { ok, peerTest } from "../support/peers.ts";
import { startDockerRegistry } from "../support/registries.ts";
import { makeStore } from "../support/stores.ts";

const SKOPEO_COPY = ["skopeo", "copy", "-q", "--src-tls-verify=false", "--dest-tls-verify=false"];
const systemContext = { dockerInsecureSkipTlsVerify: true };

for (const driver of ["vfs", "overlay"]) {
  peerTest(
    `a list with an instance from each transport is pushed to each transport (${driver})`,
    ["skopeo", "buildah", "podman", "docker-registry", "root"],
    async () => {
      await using at = await makeStore(driver);
      await using registry = await startDockerRegistry();
      const { folder } = at;
      const stored = async (name: string) => {
        const [image] = await buildImages(at, name, { files: { one: name, two: name.repeat(999) } });
        return `containers-storage:[${driver}@${at.root}+${at.runRoot}]${image}`;
      };
      const places = {
        "containers-storage": "",
        docker: `docker://${registry.host}/one:1`,
        oci: `oci:${folder}/layout:1`,
        "oci-archive": `oci-archive:${folder}/oci.tar:1`,
        dir: `dir:${folder}/dir`,
        "docker-archive": `docker-archive:${folder}/docker.tar:localhost/one:1`,
      };
      const list = create();
      for (const [transport, place] of Object.entries(places)) {
        const image = await stored(transport);
        if (place) await ok([...SKOPEO_COPY, image, place]);
        const digest = await list.add(place || image, { systemContext });
        // So that nothing stands for anything else.
        list.setArchitecture(digest, transport);
      }
      list.setAnnotations(undefined, { kept: "yes" });
      const artifact = `${folder}/notes.txt`;
      await Deno.writeTextFile(artifact, "notes\n");
      await list.addArtifact([artifact], { artifactType: "application/vnd.example" });
      await list.saveToImage(at.store, { names: ["all"] });

      const targets = [`docker://${registry.host}/all:1`, `oci:${folder}/out:1`, `oci-archive:${folder}/out.tar:1`];
      const { list: loaded } = await loadFromImage(at.store, "all");
      for (const target of [...targets, `dir:${folder}/out-dir`]) {
        const { digest, instances } = await loaded.push(target, { store: at.store, systemContext });
        assert.equal(instances.size, 7);
        await ok([...SKOPEO_COPY, "--all", target, `dir:${folder}/read-${crypto.randomUUID()}`]);
        // Copied by this skopeo, the index would be another: it does not know artifact types yet.
        const raw = await new Deno.Command("skopeo", { args: ["inspect", "--raw", "--tls-verify=false", target] })
          .output();
        assert.equal(digestOf(raw.stdout), digest, target);
        const { manifests, annotations } = JSON.parse(new TextDecoder().decode(raw.stdout));
        const architectures = manifests.map(({ platform }: { platform?: { architecture: string } }) =>
          platform?.architecture
        );
        assert.deepEqual(architectures, [...Object.keys(places), undefined]);
        assert.deepEqual(annotations, { kept: "yes" });
        // Existing blobs are not sent again.
        const outcomes = new Set<string>();
        await loaded.push(target, {
          store: at.store,
          systemContext,
          onProgress: (event) => event.type === "blob-done" && outcomes.add(event.outcome),
        });
        if (!target.includes(".tar")) assert.ok(!outcomes.has("written") || !target.startsWith("dir:"), target);
      }
      assert.equal(await ok(["podman", ...at.flags, "manifest", "exists", "all"]), "");
    },
  );
}

peerTest("flags of push have the same effects as in podman and buildah", ["skopeo", "buildah"], async () => {
  await using at = await makeStore();
  const names = await buildImages(at, "app");
  // Without a store in its name, an image is in the store that the flags say.
  const stored = names.map((name) => `containers-storage:${name}`);
  await cliOk([...at.flags, "create", "list", ...stored]);
  const push = async (...flags: string[]) => {
    const to = `${at.folder}/${crypto.randomUUID()}`;
    await cliOk([...at.flags, "push", "-q", ...flags, "list", `oci:${to}`]);
    const raw = await ok(["skopeo", "inspect", "--raw", `oci:${to}`]);
    const index = JSON.parse(raw);
    const layers = await Promise.all(
      index.manifests.map(async ({ digest }: { digest: string }) => {
        const blob = await Deno.readTextFile(`${to}/blobs/${digest.replace(":", "/")}`);
        return JSON.parse(blob).layers[0].mediaType.split("+")[1];
      }),
    );
    return { index, layers };
  };
  assert.deepEqual((await push()).layers, ["gzip", "gzip"]);
  assert.deepEqual((await push("--format", "oci")).layers, ["gzip", "gzip"]);
  assert.deepEqual((await push("--compression-format", "zstd")).layers, ["zstd", "zstd"]);
  assert.deepEqual((await push("--compression-format=zstd:chunked", "--compression-level=3")).layers, ["zstd", "zstd"]);
  const both = await push("--compression-format", "gzip", "--add-compression", "zstd:chunked");
  assert.deepEqual(both.layers, ["gzip", "gzip", "zstd", "zstd"]);
  assert.deepEqual(both.index.manifests.map(({ annotations }: { annotations?: unknown }) => annotations), [
    undefined,
    undefined,
    { "io.github.containers.compression.zstd": "true" },
    { "io.github.containers.compression.zstd": "true" },
  ]);
});

peerTest("podman and buildah push a list that was pushed here to another local store", [
  "skopeo",
  "buildah",
  "podman",
  "docker-registry",
  "root",
], async () => {
  await using from = await makeStore();
  await using to = await makeStore();
  await using registry = await startDockerRegistry();
  const [image] = await buildImages(from, "app", { files: { one: "1", two: "2" } });
  const list = create();
  const instance = await list.add(`containers-storage:[vfs@${from.root}+${from.runRoot}]${image}`);
  const target = `containers-storage:[vfs@${to.root}+${to.runRoot}]localhost/copied:1`;
  const first = await list.push(target);
  assert.deepEqual([...first.instances], [[instance, instance]]);
  list.setAnnotations(undefined, { second: "yes" });
  const second = await list.push(target, { manifestType: "application/vnd.oci.image.manifest.v1+json" });
  assert.notEqual(second.digest, first.digest);
  const shown = JSON.parse(await ok(["podman", ...to.flags, "manifest", "inspect", "localhost/copied:1"]));
  assert.deepEqual([shown.manifests.length, shown.annotations], [1, { second: "yes" }]);
  const remote = `docker://${registry.host}/copied:1`;
  await ok(["buildah", ...to.flags, "manifest", "push", "--all", "--tls-verify=false", "localhost/copied:1", remote]);
  const pushed = JSON.parse(await ok(["skopeo", "inspect", "--raw", "--tls-verify=false", remote]));
  assert.equal(pushed.manifests.length, 1);
  await assert.rejects(list.push(`containers-storage:[vfs@${from.root}+${from.runRoot}]${image}`), {
    code: "NOT_A_MANIFEST_LIST",
  });
  await assert.rejects(list.push(target, { addCompression: ["zstd"] }), TypeError);
  await assert.rejects(list.push(target, { imageListSelection: "specific", instances: [instance] }), TypeError);
});

peerTest(
  "buildah and podman push a list whose instance of a registry's list shares layers with a local image",
  ["buildah", "podman", "docker-registry", "root"],
  async () => {
    await using at = await makeStore();
    await using builder = await makeStore();
    await using registry = await startDockerRegistry();
    const image = (name: string) => `docker://${registry.host}/app:${name}`;
    const [local, remote] = await buildImages(builder, "app") as [string, string];
    for (const [source, tag] of [[local, "local"], [remote, "remote"]] as const) {
      await ok(["buildah", ...builder.flags, "push", "-q", "--tls-verify=false", source, image(tag)]);
    }
    const published = create();
    await published.add(image("remote"), { systemContext });
    const { digest: index } = await published.push(image("list"), { systemContext });
    // Pulled, not built: its manifest names the layers as the registry has them, which the store has no more.
    await ok(["buildah", ...at.flags, "pull", "-q", "--tls-verify=false", image("local")]);
    const id = (await at.store.listImages())[0]!.id;
    const list = create();
    await list.add(`containers-storage:${at.store.location}@${id}`, { systemContext });
    await list.add(image("list"), { systemContext, all: true });
    assert.equal(list.location(list.instances()[1]!), `docker://${registry.host}/app@${index}`);
    await list.saveToImage(at.store, { names: ["mixed"] });
    // The tag moves: the digest of the list stays good.
    await create().push(image("list"), { systemContext });
    // Which place they read last is chance: a few times show it.
    for (let n = 0; n < 5; n++) {
      for (const tool of ["buildah", "podman"]) {
        const to = `dir:${at.folder}/${tool}${n}`;
        await ok([tool, ...at.flags, "manifest", "push", "--all", "--tls-verify=false", "mixed", to]);
      }
    }
    const { digest } = await list.push(`dir:${at.folder}/ours`, { systemContext });
    assert.equal(digestOf(await Deno.readFile(`${at.folder}/ours/manifest.json`)), digest);
  },
);
