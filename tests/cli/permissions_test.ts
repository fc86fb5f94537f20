/** Commands with the permissions that docs/permissions.md lists for their task, and no others. */
import assert from "node:assert/strict";
import { CLI } from "../support/cli.ts";
import { pushPlatforms } from "../support/images.ts";
import { exec } from "../support/peers.ts";
import { startEmbedded } from "../support/registries.ts";
import { makeStore } from "../support/stores.ts";

Deno.test("each task needs only its permissions", async () => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  const [digest] = await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }]);
  const image = `docker://${registry.host}/app@${digest}`;
  const run = async (permissions: string[], args: string[]) => {
    const [deno, command, ...flags] = CLI.filter((flag) => flag !== "-A");
    return await exec([deno!, command!, "--no-prompt", "--allow-env", ...permissions, ...flags, ...args]);
  };
  const network = [`--allow-net=${registry.host}`];
  const read = ["--allow-read", "--allow-sys=uid"];
  const write = [...read, "--allow-write", "--allow-ffi"];
  const insecure = "--tls-verify=false";
  const layout = `oci:${at.folder}/layout`;
  const rows: [permissions: string[], args: string[]][] = [
    [network, ["compose", "-q", insecure, "-t", `${registry.host}/app:1`, image]],
    [network, ["append", insecure, "--create", `docker://${registry.host}/app:2`, image]],
    [network, ["inspect", insecure, image]],
    [network, ["validate", insecure, image]],
    [network, ["copy", "-q", insecure, "--insecure-policy", image, `docker://${registry.host}/other:1`]],
    [write, [...at.flags, "create", "list"]],
    [[...write, ...network], [...at.flags, "add", insecure, "list", image]],
    [read, [...at.flags, "ls"]],
    [read, [...at.flags, "exists", "list"]],
    [read, [...at.flags, "inspect", "list"]],
    [read, [...at.flags, "diff", "list", "list"]],
    [[...read, ...network], [...at.flags, "push", "-q", insecure, "list", `docker://${registry.host}/app:3`]],
    [["--allow-read", "--allow-write", ...network], ["copy", "-q", insecure, "--insecure-policy", image, layout]],
    [["--allow-read", "--allow-write"], ["copy", "-q", "--insecure-policy", layout, `dir:${at.folder}/dir`]],
  ];
  for (const [permissions, args] of rows) {
    const { code, stderr } = await run(permissions, args);
    assert.equal(code, 0, `${permissions.join(" ")}: ${args.join(" ")}: ${stderr}`);
  }
  const { code, stderr } = await run(write.filter((flag) => flag !== "--allow-ffi"), [...at.flags, "create", "other"]);
  assert.equal(code, 125);
  assert.match(stderr, /--allow-ffi/);
});
