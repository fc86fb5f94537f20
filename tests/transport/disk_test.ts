/** A disk that is full or loses bytes gives a clear error, and the existing image stays complete. */
import assert from "node:assert/strict";
import { parseImageName } from "../../mod.ts";
import { listTree } from "../contracts/transport_suite.ts";
import { folderTest } from "../support/folders.ts";
import { makeImage } from "../support/images.ts";
import { exec, ok, peerTest } from "../support/peers.ts";
import { readAll, writeImage } from "../support/put_image.ts";

/** Size in bytes of a blob whose last chunk begins a sync, so that no later write reports its error. */
const LARGE = 16 * 1024 * 1024;

for (const transport of ["oci", "dir"]) {
  peerTest(`${transport}: a full disk fails a copy with TRANSPORT_IO`, ["mount", "root"], async () => {
    const folder = await Deno.makeTempDir({ prefix: "disk-" });
    await ok(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", folder]);
    try {
      const reference = parseImageName(`${transport}:${folder}/image`);
      const small = makeImage({ architecture: "amd64" });
      await writeImage(reference, small);
      const noise = new Uint8Array(512 * 1024);
      for (let at = 0; at < noise.length; at += 65536) crypto.getRandomValues(noise.subarray(at, at + 65536));
      const large = makeImage({ architecture: "amd64", layers: [noise] });
      await assert.rejects(writeImage(reference, large), { code: "TRANSPORT_IO" });
      assert.equal(await readAll(reference), small.digest);
      assert.deepEqual((await listTree(folder)).filter((path) => path.includes("tmp")), []);
      await writeImage(reference, makeImage({ architecture: "arm64" }));
    } finally {
      await exec(["umount", folder]);
      await Deno.remove(folder, { recursive: true });
    }
  });
}

folderTest(
  "bytes that the disk lost while a blob arrived fail its copy, although a later sync succeeds",
  async (folder) => {
    const { syncData } = Deno.FsFile.prototype;
    let syncs = 0;
    Deno.FsFile.prototype.syncData = async function () {
      await syncData.call(this);
      if ((await this.stat()).size === LARGE && ++syncs === 1) {
        throw Object.assign(new Error("Input/output error (os error 5)"), { code: "EIO" });
      }
    };
    try {
      const layers = [new Uint8Array(LARGE)];
      const image = makeImage({ architecture: "amd64", layers, compressions: ["none"] });
      const reference = parseImageName(`oci:${folder}/image`);
      await assert.rejects(writeImage(reference, image), { code: "TRANSPORT_IO" });
    } finally {
      Deno.FsFile.prototype.syncData = syncData;
    }
  },
);
