/** Images are written by root of a user namespace, which may not create devices or trusted attributes. */
import assert from "node:assert/strict";
import { parseImageName } from "../../mod.ts";
import { loadLibc } from "../../src/store/containers_storage/unpack/libc.ts";
import { findStore } from "../../src/config/files/room.ts";
import { deleteImageWithLayers } from "../../src/store/containers_storage/room.ts";
import { CLI } from "../support/cli.ts";
import { clientOf, makeImage, pushImage } from "../support/images.ts";
import { BASE_ENTRIES, UPPER_ENTRIES } from "../support/layer_corpus.ts";
import { oddTar } from "../support/odd_tar.ts";
import { ok, peerTest } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { dumpTree } from "../support/store_dump.ts";
import { makeStore, storageName } from "../support/stores.ts";
import { execInUserNamespace } from "../support/user_namespace.ts";

const COPY = [...CLI, "copy", "-q", "--insecure-policy", "--src-tls-verify=false"];

peerTest(
  "in a user namespace, images are written as far as its rights go",
  ["skopeo", "buildah", "root"],
  async (t) => {
    await using registry = startEmbedded();
    const repository = clientOf(registry.host).repository("app");
    // An id that the namespace does not have.
    const isMapped = ({ uid = 0 }: { uid?: number }) => uid < 65_536;
    const layers = [oddTar(BASE_ENTRIES.filter(isMapped)), oddTar(UPPER_ENTRIES)];
    await pushImage(repository, makeImage({ architecture: "amd64", layers }), "mapped");
    await pushImage(repository, makeImage({ architecture: "amd64", layers: [oddTar(BASE_ENTRIES)] }), "unmapped");
    const whiteout = oddTar([{ name: "dir/.wh.gone", uid: 3_000_000, content: new Uint8Array() }]);
    const more = makeImage({ architecture: "amd64", layers: [oddTar(BASE_ENTRIES), whiteout] });
    await pushImage(repository, more, "whiteout");
    for (const driver of ["vfs", "overlay"]) {
      await t.step(driver, async () => {
        await using at = await makeStore(driver);
        const from = `docker://${registry.host}/app:mapped`;
        const copied = await execInUserNamespace([...COPY, from, storageName(at, "localhost/app:1")]);
        assert.deepEqual([copied.code, copied.stderr], [0, ""]);
        const tops: string[] = JSON.parse(await Deno.readTextFile(`${at.root}/${driver}-layers/layers.json`)).map((
          { id }: { id: string },
        ) => driver === "vfs" ? `${at.root}/vfs/dir/${id}` : `${at.root}/overlay/${id}/diff`);
        const [base, upper] = tops.map(dumpTree);
        assert.ok(base!.some((line) => line.startsWith('"./dev/pipe"')));
        assert.ok(!base!.some((line) => line.startsWith('"./dev/null"') || line.startsWith('"./dev/loop"')));
        assert.ok(base!.some((line) => line.startsWith('"./dir/user"') && line.includes("user.key")));
        const opaque = upper!.find((line) => line.startsWith('"./dir/opaque" '))!;
        assert.equal(opaque.includes("user.overlay.opaque=79"), driver === "overlay");
        const out = `${at.folder}/out`;
        const peers = [
          ["skopeo", "copy", "-q", "--insecure-policy", storageName(at, "localhost/app:1"), `dir:${out}`],
          ["buildah", ...at.flags, "rmi", "localhost/app:1"],
        ];
        for (const peer of peers) {
          const { code, stderr } = await execInUserNamespace(peer);
          assert.equal(code, 0, stderr);
        }
        const image = JSON.parse(await Deno.readTextFile(`${out}/manifest.json`));
        assert.equal(image.layers.length, 2);

        const big = [...COPY, `docker://${registry.host}/app:unmapped`];
        const failed = await execInUserNamespace([...big, storageName(at, "localhost/big")]);
        assert.match(
          failed.stderr,
          /"dir\/big-ids" has the owner 3000000:2200000, which the user namespace does not have/,
        );
        const options = `:${driver}.ignore_chown_errors=true]`;
        const ignoring = storageName(at, "localhost/big").replace("]", options);
        const ignored = await execInUserNamespace([...COPY, `docker://${registry.host}/app:whiteout`, ignoring]);
        assert.deepEqual([ignored.code, ignored.stderr], [0, ""]);
        assert.match(await ok(["buildah", ...at.flags, "images"]), /localhost\/big/);
      });
    }
  },
);

peerTest("without the rights to unpack layers, the error says which command works", ["root"], async () => {
  await using registry = startEmbedded();
  await using at = await makeStore();
  await pushImage(clientOf(registry.host).repository("app"), makeImage({ architecture: "amd64" }), "1");
  const copy = ["copy", "-q", "--insecure-policy", "--src-tls-verify=false", `docker://${registry.host}/app:1`];
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const main = new URL("../../src/cli/main.ts", import.meta.url).pathname;
  const deno = [Deno.execPath(), "run", "--quiet", "--config", config, "--no-prompt"];
  const allowed = ["--allow-net", "--allow-read", "--allow-write", "--allow-env", "--allow-sys"];
  const { code, stderr } = await new Deno.Command(deno[0]!, {
    args: [...deno.slice(1), ...allowed, main, ...copy, storageName(at, "localhost/app:1")],
  }).output();
  assert.notEqual(code, 0);
  assert.match(new TextDecoder().decode(stderr), /run with --allow-ffi/);
  const location = await findStore({ root: at.root, runRoot: at.runRoot, driver: at.driver });
  const libc = loadLibc() as { geteuid: () => number };
  const { geteuid } = libc;
  libc.geteuid = () => 1000;
  try {
    await assert.rejects(parseImageName(storageName(at, "localhost/app:1")).openDestination(), {
      code: "STORE_READ_ONLY",
      message: /"podman unshare manifests …" or "buildah unshare manifests …"/,
    });
    const deleted = deleteImageWithLayers(location, { id: "0", names: [] });
    await assert.rejects(deleted, {
      code: "STORE_READ_ONLY",
      message: /^Cannot change images in .*only root can change/,
    });
  } finally {
    libc.geteuid = geteuid;
  }
});
