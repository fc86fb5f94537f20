/** Keys of release files: signatures and provenance, and secrets that are named, not written. */
import assert from "node:assert/strict";
import { createReleaseHost, openLockFile, readReleaseFile } from "../../src/release/files/room.ts";
import { applyFile } from "../../src/release/room.ts";
import { generateSigstoreKeyPair } from "../../src/signature/room.ts";
import { REMOTE_RUNTIME } from "../../src/system/remote/room.ts";
import { setVariables } from "../support/environment.ts";
import { makeReleaseWorld } from "../support/release_world.ts";

const PASSPHRASE = "a passphrase";

Deno.test("a release is signed and gets provenance with keys from the environment and from files", async () => {
  const world = await makeReleaseWorld();
  const folder = await Deno.makeTempDir({ prefix: "release-" });
  const { privateKey } = await generateSigstoreKeyPair(new TextEncoder().encode(PASSPHRASE));
  try {
    await Deno.writeTextFile(`${folder}/cosign.key`, privateKey);
    await Deno.writeTextFile(`${folder}/password`, `${PASSPHRASE}\n`);
    const path = `${folder}/manifests.yaml`;
    await Deno.writeTextFile(
      path,
      `version: 1
releases:
  app:
    to: [a.example/app:1, b.example/app:1]
    sources: [a.example/app:amd64]
    sign: [{ key: "env:RELEASE_TEST_KEY", passphrase: "env:RELEASE_TEST_PASSWORD" }]
    provenance: { key: "file:cosign.key", passphrase: "file:password", as: tag }
`,
    );
    const { file, lockPath } = await readReleaseFile({ path });
    // The registries.d of this machine does not matter.
    const host = { ...createReleaseHost(folder), runtime: REMOTE_RUNTIME };
    const apply = async () => {
      world.writes = [];
      return await applyFile(host, file, openLockFile(lockPath), { systemContext: world.systemContext });
    };
    await assert.rejects(apply(), {
      code: "CONFIG_FILE_UNREADABLE",
      message: "Cannot read the secret env:RELEASE_TEST_PASSWORD: the variable is not set",
    });
    assert.deepEqual(world.writes, []);
    using _secrets = setVariables({ RELEASE_TEST_KEY: privateKey, RELEASE_TEST_PASSWORD: PASSPHRASE });
    const { releases: [app] } = await apply();
    for (const repository of ["a.example/app", "b.example/app"]) {
      const tags = await Array.fromAsync(world.repository(repository).listTags());
      const name = app!.index!.replace(":", "-");
      assert.ok(tags.includes(`${name}.sig`), `${repository} is signed: ${tags}`);
      assert.ok(tags.includes(`${name}.att`), `${repository} has provenance: ${tags}`);
    }
    await apply();
    assert.deepEqual(world.writes, []);
    assert.doesNotMatch(await Deno.readTextFile(lockPath), /PRIVATE|passphrase/);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
