import assert from "node:assert/strict";
import { choosePersona } from "../../src/cli/persona.ts";
import { findSimilar } from "../../src/internal/room.ts";
import { cli, cliOk } from "../support/cli.ts";
import { makeStore } from "../support/stores.ts";

Deno.test("choosePersona() uses the variable, or else the name of the program", () => {
  const rows: [string | undefined, string, string][] = [
    [undefined, "/usr/local/bin/podman", "podman"],
    [undefined, "podman-manifests", "podman"],
    [undefined, "buildah", "buildah"],
    [undefined, "/podman/deno", "manifests"],
    ["own", "podman", "manifests"],
    ["buildah", "podman", "buildah"],
    ["", "buildah", "buildah"],
  ];
  for (const [variable, calledAs, name] of rows) assert.equal(choosePersona(variable, calledAs).name, name);
  assert.throws(() => choosePersona("docker", ""), RangeError);
  assert.throws(() => choosePersona("toString", ""), RangeError);
});

Deno.test("rm formats several failures as each tool does", () => {
  const rows: [string, string[], string][] = [
    ["podman", ["a"], "a"],
    ["podman", ["a", "b"], "2 errors occurred:\n\t* a\n\t* b\n\n"],
    ["buildah", ["a"], "1 error occurred:\n\t* a\n\n\n"],
    ["own", ["a", "b"], "a; b"],
  ];
  for (const [name, texts, text] of rows) assert.equal(choosePersona(name, "").joinFailures(texts), text);
});

Deno.test("findSimilar() finds the intended word", () => {
  const words = ["add", "annotate", "create", "inspect", "push", "remove", "rm"];
  const rows: [string, string | undefined][] = [
    ["craete", "create"],
    ["inspct", "inspect"],
    ["ins", "inspect"],
    ["psuh", "push"],
    ["bogus", undefined],
    ["", undefined],
  ];
  for (const [typed, word] of rows) assert.equal(findSimilar(typed, words), word, typed);
});

Deno.test("an unknown persona and flags for another machine are rejected", async () => {
  const rows: [string[], Record<string, string>, RegExp][] = [
    [["exists", "x"], { MANIFESTS_PERSONA: "docker" }, /MANIFESTS_PERSONA must be own, podman or buildah/],
    [["--url", "ssh://x", "exists", "x"], {}, /--url is not supported/],
    [["exists", "--remote", "x"], {}, /--remote is not supported/],
    [["craete"], {}, /did you mean create\?/],
    [["help", "craete"], {}, /did you mean create\?/],
  ];
  for (const [args, env, message] of rows) {
    const { code, stdout, stderr } = await cli(args, env);
    assert.deepEqual([code, stdout], [125, ""], args.join(" "));
    assert.match(stderr, message);
    assert.equal(stderr.split("\n").length, 2, "one line");
  }
});

Deno.test("help lists flags alphabetically, with defaults and examples", async () => {
  const { code, stdout } = await cli(["push", "--help"]);
  assert.equal(code, 0);
  assert.match(stdout.replaceAll("\n", " "), /all.*\(default true\).*authfile/);
  assert.match(stdout, /Examples:\n {2}# to a registry\n {2}manifests push /);
  assert.doesNotMatch(stdout, /sign-by-sq-fingerprint/);
  assert.deepEqual(await cli(["help", "push"]), { code: 0, stdout, stderr: "" });
  assert.deepEqual(await cli(["manifest", "push", "x", "-h"]), { code: 0, stdout, stderr: "" });
  assert.match((await cli(["--help"], { MANIFESTS_PERSONA: "buildah" })).stdout, /buildah manifest \[FLAGS\] COMMAND/);
});

Deno.test("global flags are accepted before and after manifest and the subcommand", async () => {
  await using at = await makeStore();
  await cliOk([...at.flags, "create", "list"]);
  const [root, runRoot, driver] = [at.flags.slice(0, 2), at.flags.slice(2, 4), at.flags.slice(4)];
  const ignored = ["--log-level=debug", "--debug=false", "--transient-store", "--cgroup-manager", "cgroupfs"];
  const rows = [
    [...root, ...runRoot, ...driver, "manifest", "exists", "list"],
    [...root, "manifest", ...runRoot, ...driver, "exists", "list"],
    ["manifest", "exists", ...root, "list", ...runRoot, ...driver],
    ["exists", "list", `--root=${at.root}`, ...runRoot, ...driver, ...ignored],
    [...ignored, "--remote=false", ...at.flags, "manifest", "exists", "list"],
    ["--root", "/nowhere", "exists", ...at.flags, "list"],
  ];
  for (const args of rows) {
    assert.deepEqual(await cli(args), { code: 0, stdout: "", stderr: "" }, args.join(" "));
  }
  assert.match((await cli(["manifest", "--version"])).stdout, /^\d+\.\d+\.\d+\n$/);
});
