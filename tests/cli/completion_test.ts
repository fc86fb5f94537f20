import assert from "node:assert/strict";
import { CLI, cli, cliOk } from "../support/cli.ts";
import { exec } from "../support/peers.ts";
import { makeStore, type TestStore } from "../support/stores.ts";

const words = (stdout: string) => stdout.split("\n").filter((line) => line !== "").map((line) => line.split("\t")[0]);

/** A store with two lists, one of which has an artifact. */
async function fill(at: TestStore): Promise<{ id: string; digest: string; file: string }> {
  const id = await cliOk([...at.flags, "create", "app:1.0"]);
  await cliOk([...at.flags, "create", "quay.io/me/app:2"]);
  const file = `${at.folder}/sbom.json`;
  await Deno.writeTextFile(file, "{}");
  const platform = ["--os", "linux", "--arch", "arm64"];
  const added = await cliOk([...at.flags, "add", "--artifact", ...platform, "app:1.0", file]);
  return { id, digest: added.split(": ")[1]!, file };
}

Deno.test("completion offers commands, flags, values, and names from the store", async () => {
  await using at = await makeStore();
  const { id, digest, file } = await fill(at);
  const rows: [string[], string[]][] = [
    [["pu"], ["push"]],
    [["manifest", "re"], ["registry", "release", "remove"]],
    [["--sto"], ["--storage-driver", "--storage-opt"]],
    [["--storage-driver", "v"], ["vfs"]],
    [["push", "--dry"], ["--dry-run"]],
    [["gen"], ["generate-sigstore-key"]],
    [["generate-sigstore-key", "--passphrase-file", ""], [":files"]],
    [["push", "--sign-by-sigstore", ""], [":files"]],
    [["push", "--progress", ""], ["auto", "bars", "plain", "json", "none"]],
    [["push", "--progress=b"], ["--progress=bars"]],
    [["push", "--authfile", "x"], [":files"]],
    [["--root", ""], [":folders"]],
    [["completion", "z"], ["zsh"]],
    [["bogus", ""], []],
    [[...at.flags, "inspect", "a"], ["app:1.0"]],
    [[...at.flags, "inspect", "localhost/"], ["localhost/app:1.0"]],
    [[...at.flags, "inspect", "--verbose", "quay"], ["quay.io/me/app:2"]],
    [[...at.flags, "inspect", id.slice(0, 6)], [id.slice(0, 12)]],
    [[...at.flags, "remove", "app:1.0", ""], [digest, "linux/arm64", file]],
    [[...at.flags, "annotate", "--annotation", "a=b", "app:1.0", "lin"], ["linux/arm64"]],
    [[...at.flags, "remove", "nothing", ""], []],
    [[...at.flags, "inspect", "--", "--"], []],
  ];
  for (const [line, expected] of rows) {
    const { code, stdout, stderr } = await cli(["__complete", "--", ...line]);
    assert.deepEqual([code, words(stdout), stderr], [0, expected, ""], line.join(" "));
  }
  assert.match((await cli(["__complete", "--", "pus"])).stdout, /^push\tPush a list and its images\n$/);
});

Deno.test("bash completes words with colons and equals signs", async () => {
  await using at = await makeStore();
  const { digest } = await fill(at);
  const script = `${at.folder}/completion.bash`;
  await Deno.writeTextFile(script, await cliOk(["completion", "bash"]));
  const run = CLI.map((word) => `'${word}'`).join(" ");
  const complete = async (line: string) => {
    const { stdout, code } = await exec([
      "bash",
      "-c",
      // compopt fails outside of a real completion.
      `compopt() { :; }; manifests() { ${run} ${at.flags.join(" ")} "$@"; }; source ${script}; ` +
      `COMP_LINE=$1 COMP_POINT=\${#1} _manifests; printf '%s\\n' "\${COMPREPLY[@]}"`,
      "bash",
      line,
    ]);
    assert.equal(code, 0, line);
    return stdout.split("\n").filter((word) => word !== "");
  };
  const rows: [string, string[]][] = [
    ["manifests ins", ["inspect"]],
    ["manifests inspect app", ["app:1.0"]],
    ["manifests inspect app:1", ["1.0"]],
    ["manifests remove app:1.0 sha256:", [digest.slice("sha256:".length)]],
    ["manifests push --progress=n", ["none"]],
    ["manifests push --authfile ", []],
  ];
  for (const [line, expected] of rows) assert.deepEqual(await complete(line), expected, line);
  assert.equal((await exec(["bash", "-n", script])).code, 0);
});

Deno.test("completion prints scripts for zsh and fish, and rejects other shells", async () => {
  for (const shell of ["zsh", "fish"]) assert.match(await cliOk(["completion", shell]), /__complete -- /);
  const { code, stderr } = await cli(["completion", "toString"]);
  assert.deepEqual([code, /choose one of bash, zsh, fish/.test(stderr)], [125, true]);
});
