/** A wrong path as destination does not destroy the files at that path. */
import assert from "node:assert/strict";
import { create, parseImageName } from "../../mod.ts";
import { listTree } from "../contracts/transport_suite.ts";
import { createMemoryImages } from "../support/images.ts";

Deno.test("no transport overwrites files that are not images", async () => {
  const folder = await Deno.makeTempDir({ prefix: "overwrite-" });
  try {
    await Deno.mkdir(`${folder}/files`);
    await Deno.writeTextFile(`${folder}/files/precious`, "precious");
    await Deno.mkdir(`${folder}/other`);
    await Deno.writeTextFile(`${folder}/other/index.json`, '{"a":1}');
    await Deno.writeTextFile(`${folder}/text`, "precious");
    const images = await createMemoryImages();
    const list = create();
    await list.add(images.reference("amd64"));
    const before = await listTree(folder);
    for (
      const [target, code] of [
        [`oci:${folder}/files:1`, "DESTINATION_NOT_AN_IMAGE"],
        [`oci:${folder}/other:1`, "DESTINATION_NOT_AN_IMAGE"],
        [`oci:${folder}/text:1`, "DESTINATION_NOT_AN_IMAGE"],
        [`dir:${folder}/files`, "DESTINATION_NOT_AN_IMAGE"],
        [`dir:${folder}/text`, "DESTINATION_NOT_AN_IMAGE"],
        [`oci-archive:${folder}/text:1`, "DESTINATION_NOT_AN_IMAGE"],
        [`oci-archive:${folder}/files:1`, "DESTINATION_NOT_AN_IMAGE"],
        [`docker-archive:${folder}/text`, "DESTINATION_IN_USE"],
      ] as const
    ) {
      await assert.rejects(parseImageName(target).openDestination(), { code }, target);
    }
    assert.deepEqual(await listTree(folder), before);
    assert.equal(await Deno.readTextFile(`${folder}/text`), "precious");
    assert.equal(await Deno.readTextFile(`${folder}/other/index.json`), '{"a":1}');
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("recorded references are found from another folder", () => {
  for (const name of ["oci:a/b:1", "oci-archive:a.tar:1", "dir:a", "docker-archive:a.tar:localhost/a:1"]) {
    const absolute = String(parseImageName(name).absolute!());
    const [transport, ...rest] = name.split(":");
    assert.equal(absolute, [transport, `${Deno.cwd()}/${rest[0]}`, ...rest.slice(1)].join(":"));
  }
  const relative = parseImageName("oci:a:1");
  assert.equal(String(relative), "oci:a:1");
});
