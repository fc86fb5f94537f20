import assert from "node:assert/strict";
import { create } from "../../mod.ts";

Deno.test("a push says which instance is gone, and from where", async () => {
  const folder = await Deno.makeTempDir({ prefix: "gone-" });
  try {
    const options = { systemContext: { blobInfoCacheDir: "" } };
    const archive = `oci-archive:${folder}/image.tar:1`;
    const source = create();
    await source.addArtifact([], { artifactType: "application/vnd.example" });
    await source.push(archive, options);
    const later = create();
    await later.add(archive, { all: true });
    await Deno.remove(`${folder}/image.tar`);
    await assert.rejects(later.push(`oci:${folder}/out:1`, options), (error: { code?: string; message: string }) => {
      assert.equal(error.code, "NOT_FOUND");
      assert.ok(error.message.includes(`instance ${later.instances()[0]}`) && error.message.includes(archive));
      return true;
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
