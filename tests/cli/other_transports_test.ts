/** Transports of containers/image that are recognised only to name what to use instead. */
import assert from "node:assert/strict";
import { parseImageName } from "../../mod.ts";
import { cli, cliOk } from "../support/cli.ts";
import { makeStore } from "../support/stores.ts";

const ADVICE = {
  "tarball:/x.tar": /transport tarball: is not supported: .*skopeo copy tarball:FILE oci:FOLDER/,
  "sif:/x.sif": /transport sif: is not supported: .*skopeo copy sif:FILE oci:FOLDER/,
  "ostree:foo@/repo": /transport ostree: is not supported: .*docker:\/\//,
  "atomic:localhost:8443/ns/s:tag": /transport atomic: is not supported: .*docker:\/\//,
};

Deno.test("parseImageName() names what to use instead of a transport that is not supported", () => {
  for (const [name, message] of Object.entries(ADVICE)) {
    assert.throws(() => parseImageName(name), { code: "TRANSPORT_NOT_SUPPORTED", message });
  }
});

Deno.test("every command refuses transports that are not supported", async () => {
  await using at = await makeStore();
  await cliOk([...at.flags, "create", "app"]);
  const commands = [
    ["add", "app", "NAME"],
    ["annotate", "NAME", "sha256:abc", "--os", "linux"],
    ["append", "NAME", "docker://localhost:1/app:1"],
    ["copy", "NAME", `dir:${at.folder}/out`],
    ["copy", `dir:${at.folder}/in`, "NAME"],
    ["create", "NAME"],
    ["create", "other", "NAME"],
    ["delete", "NAME"],
    ["diff", "NAME", "app"],
    ["drop", "NAME", "sha256:abc"],
    ["exists", "NAME"],
    ["inspect", "NAME"],
    ["push", "app", "NAME"],
    ["push", "NAME", `dir:${at.folder}/out`],
    ["remove", "NAME", "sha256:abc"],
    ["rm", "NAME"],
    ["tag", "NAME", "other"],
    ["tag", "app", "NAME"],
    ["validate", "NAME"],
  ];
  const advice = Object.entries(ADVICE);
  for (const [i, command] of commands.entries()) {
    const [name, message] = advice[i % advice.length]!;
    const { code, stderr } = await cli([...at.flags, ...command.map((word) => word === "NAME" ? name : word)]);
    assert.notEqual(code, 0, command.join(" "));
    assert.match(stderr, message, command.join(" "));
  }
});
