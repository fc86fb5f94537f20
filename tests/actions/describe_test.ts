/** Descriptions of nested indexes, attestations and layers. */
import assert from "node:assert/strict";
import { inspectIndex } from "../../src/system/remote/room.ts";
import { MEDIA_TYPES } from "../../src/spec/room.ts";
import { formatInspection } from "../../src/actions/room.ts";
import { pushBuildKit } from "../support/buildkit.ts";
import { HOST, makeWorld } from "../support/handlers.ts";
import { describe, encode } from "../support/images.ts";

Deno.test.sanitizer({ ops: true, resources: true });

Deno.test("attestations name their image and predicate types, and nested indexes have their instances", async () => {
  const world = await makeWorld([]);
  const systemContext = { fetch: world.fetch };
  const repository = world.repository();
  const built = await pushBuildKit(repository, "inner", [
    { os: "linux", architecture: "amd64" },
    { os: "windows", architecture: "amd64", osVersion: "10.0.20348.1" },
  ]);
  const { bytes } = (await repository.getManifest("inner"))!;
  const inner = { ...describe(MEDIA_TYPES.ociIndex, bytes), platform: { os: "linux", architecture: "amd64" } };
  const outer = encode({ schemaVersion: 2, mediaType: MEDIA_TYPES.ociIndex, manifests: [inner, inner] });
  await repository.putManifest("outer", outer);
  const described = formatInspection(await inspectIndex(`${HOST}/app:outer`, { systemContext }));
  assert.equal(described.name, `docker://${HOST}/app:outer`);
  const [first, second] = described.instances;
  // The same index twice is described once.
  assert.deepEqual([first!.digest, second!.digest], [built.digest, built.digest]);
  assert.equal(second!.instances, undefined);
  assert.deepEqual(
    first!.instances!.map(({ platform, attests, predicateTypes }) => [platform, attests, predicateTypes]),
    [
      ["linux/amd64", undefined, undefined],
      ["windows/amd64:10.0.20348.1", undefined, undefined],
      ["unknown/unknown", built.images[0], ["https://slsa.dev/provenance/v0.2"]],
      ["unknown/unknown", built.images[1], ["https://slsa.dev/provenance/v0.2"]],
    ],
  );
});
