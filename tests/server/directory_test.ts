/** The folder of an embedded registry: its lock, and its garbage collection. */
import assert from "node:assert/strict";
import { createRegistry } from "../../src/server/room.ts";
import { openDirectoryStorage } from "../../src/server/directory/room.ts";
import { digestHex, digestOf } from "../../src/spec/room.ts";
import type { RegistryClient } from "../../src/registry/room.ts";
import { RegistryClient as Client } from "../../src/registry/room.ts";
import { describe, encode, makeImage, makeTar, pushImage } from "../support/images.ts";
import { folderTest } from "../support/folders.ts";
import { CLI, cli, cliHere } from "../support/cli.ts";
import { exec } from "../support/peers.ts";

type Storage = Awaited<ReturnType<typeof openDirectoryStorage>>;

const clientOf = (storage: Storage): RegistryClient => new Client("r.example", createRegistry({ storage }));
const stream = (bytes: Uint8Array<ArrayBuffer>) => new Blob([bytes]).stream();

/** Returns the names of all blob files, sorted. */
async function blobsIn(folder: string): Promise<string[]> {
  return (await Array.fromAsync(Deno.readDir(`${folder}/blobs/sha256`))).map(({ name }) => name).sort();
}

/** Sets the times of all files in a folder to two days ago. */
async function age(path: string): Promise<void> {
  const then = new Date(Date.now() - 48 * 3600 * 1000);
  for await (const { name, isDirectory } of Deno.readDir(path)) {
    if (isDirectory) await age(`${path}/${name}`);
    else await Deno.utime(`${path}/${name}`, then, then);
  }
}

const [FIRST, SECOND] = ["one", "two"].map((name) =>
  makeImage({ architecture: "amd64", layers: [makeTar(name, name)] })
);

folderTest("a second registry cannot open a folder, and does not change it", async (folder) => {
  using storage = await openDirectoryStorage(folder);
  const upload = await storage.createUpload();
  await upload.append(stream(encode("half ")));
  const before = await Array.fromAsync(Deno.readDir(`${folder}/uploads`));
  await assert.rejects(openDirectoryStorage(folder), { code: "DESTINATION_IN_USE" });
  for (const args of [["serve", "--port", "0", folder], ["gc", folder]]) {
    const { code, stdout, stderr } = await cli(["registry", ...args]);
    assert.deepEqual([code, stdout], [125, ""]);
    assert.match(stderr, /another registry uses it/);
  }
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${folder}/uploads`)), before);
  await upload.append(stream(encode("done")));
  assert.equal(await upload.finish("app", digestOf(encode("half done"))), true);
});

folderTest("a registry that cannot listen changes nothing", async (folder) => {
  const served = `${folder}/served`;
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { code, stderr } = await cli(["registry", "serve", "--port", `${listener.addr.port}`, served]);
  assert.equal(code, 125);
  assert.match(stderr, /^Error: Cannot listen on 127\.0\.0\.1:\d+: /);
  await assert.rejects(Deno.stat(served), Deno.errors.NotFound);
});

folderTest("the error for a folder that cannot be opened names it", async (folder) => {
  await Deno.writeTextFile(`${folder}/file`, "");
  const { code, stderr } = await cliHere(["registry", "serve", "--port", "0", `${folder}/file`]);
  assert.equal(code, 125);
  assert.match(stderr, /^Error: Cannot open registry folder ".*\/file": /);
});

folderTest("an OCI layout is not opened as the folder of a registry", async (folder) => {
  await Deno.mkdir(`${folder}/blobs/sha256`, { recursive: true });
  await Deno.writeTextFile(`${folder}/blobs/sha256/${digestHex(digestOf(encode("x")))}`, "x");
  assert.equal((await cli(["registry", "gc", folder])).code, 125);
  await Deno.writeTextFile(`${folder}/oci-layout`, "{}");
  await assert.rejects(openDirectoryStorage(folder), { code: "LAYOUT_INVALID" });
  assert.equal((await blobsIn(folder)).length, 1);
});

folderTest("content that no manifest names is removed, and the rest stays", async (folder) => {
  {
    using storage = await openDirectoryStorage(folder);
    const client = clientOf(storage);
    const [repository, other] = [client.repository("app"), client.repository("deep/er")];
    for (const [image, tag] of [[FIRST!, "1"], [SECOND!, "2"]] as const) await pushImage(repository, image, tag);
    await pushImage(other, FIRST!, "1");
    await repository.deleteManifest(FIRST!.digest);
    await repository.deleteManifest(SECOND!.digest);
    // A blob that is no longer in the repository: only its file is left.
    const orphan = encode("orphan");
    await repository.putBlob(describe("m", orphan), stream(orphan));
    await storage.deleteBlob("app", digestOf(orphan));
    await storage.createUpload();
    await Deno.writeTextFile(`${folder}/repositories/app/_blobs/sha256/.tmp-left`, "");
    // All files are new: a push may be about to name them.
    assert.deepEqual({ ...await storage.collectGarbage() }, { files: 0, bytes: 0 });
  }
  const { code, stdout } = await cli(["registry", "gc", folder]);
  // Two blobs and the manifest of the second image, the orphan and the upload; the blobs of the first one are in another repository too.
  assert.deepEqual([code, stdout.replace(/[\d.]+ k?B/, "N B")], [0, "Freed N B (5 files)\n"]);
  const first = [FIRST!.digest, ...FIRST!.blobs.map(({ descriptor }) => descriptor.digest)].map(digestHex);
  assert.deepEqual(await blobsIn(folder), first.sort());
  assert.deepEqual(await Array.fromAsync(Deno.readDir(`${folder}/repositories/app/_blobs/sha256`)), []);
  using storage = await openDirectoryStorage(folder);
  assert.deepEqual((await clientOf(storage).repository("deep/er").getManifest("1")).bytes, FIRST!.manifest);
  assert.equal((await cli(["registry", "gc", `${folder}/none`])).code, 125);
});

folderTest(
  "a running registry removes old content, but no blob that a push has requested or mounted",
  async (folder) => {
    using storage = await openDirectoryStorage(folder);
    const client = clientOf(storage);
    const [repository, other] = [client.repository("app"), client.repository("other")];
    const upload = await storage.createUpload();
    for (const { descriptor, bytes } of [...FIRST!.blobs, ...SECOND!.blobs]) {
      await repository.putBlob(descriptor, stream(bytes));
    }
    await age(folder);
    const [layer, config] = FIRST!.blobs.map(({ descriptor }) => descriptor.digest);
    assert.ok(await repository.headBlob(config!));
    assert.deepEqual(await other.mountBlob(layer!, "app"), { mounted: true });
    const removed = await storage.collectGarbage();
    // One layer of the second image, as both have the same configuration, and the upload.
    assert.equal(removed.files, SECOND!.blobs.filter(({ descriptor: { digest } }) => digest !== config).length + 1);
    await repository.putManifest("1", FIRST!.manifest);
    await assert.rejects(repository.putManifest("2", SECOND!.manifest), { code: "MANIFEST_REJECTED" });
    await assert.rejects(upload.append(stream(encode("x"))), Deno.errors.NotFound);
    // Blobs that a manifest names stay, however old they are.
    await age(folder);
    assert.equal((await storage.collectGarbage()).files, 0);
  },
);

folderTest("abandoned uploads keep no file open", async (folder) => {
  const serve = [...CLI, "registry", "serve", "--port", "0", folder].map((word) => `'${word}'`).join(" ");
  const args = ["-c", `ulimit -n 300; exec ${serve}`];
  const child = new Deno.Command("bash", { args, stdout: "piped", stderr: "null" }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const base = (await reader.read()).value!.trim();
  try {
    for (let i = 0; i < 400; i++) {
      const answer = await fetch(`${base}/v2/app/blobs/uploads/`, { method: "POST" });
      await answer.body?.cancel();
      assert.equal(answer.status, 202, `${i}`);
    }
    const files = await exec(["bash", "-c", `ls /proc/${child.pid}/fd | wc -l`]);
    assert.ok(Number(files.stdout) < 100, files.stdout);
  } finally {
    child.kill("SIGTERM");
    await child.status;
    await reader.cancel();
  }
});

folderTest("a damaged tag file is an error, and not a digest", async (folder) => {
  using storage = await openDirectoryStorage(folder);
  await storage.putTag("app", "1", digestOf(encode("x")));
  await Deno.writeTextFile(`${folder}/repositories/app/_tags/1`, "../../secret");
  await assert.rejects(storage.getTag("app", "1"), { code: "INVALID_DIGEST" });
});
