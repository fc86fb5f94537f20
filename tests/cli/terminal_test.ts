/** Progress bars in a terminal of tmux. */
import assert from "node:assert/strict";
import { measureWidth } from "../../src/cli/format/width.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";
import { cliOk } from "../support/cli.ts";
import { peerTest } from "../support/peers.ts";
import { serve } from "../support/registries.ts";
import { makeStore, type TestStore } from "../support/stores.ts";
import { runInTerminal } from "../support/terminal.ts";

/** Creates a list with one artifact per platform. */
async function createList(at: TestStore, platforms: readonly string[]): Promise<void> {
  await cliOk([...at.flags, "create", "list"]);
  for (const platform of platforms) {
    const file = `${at.folder}/${platform}`;
    await Deno.writeTextFile(file, platform.repeat(20_000));
    const arch = ["--os", "linux", "--arch", platform];
    await cliOk([...at.flags, "add", "--artifact", ...arch, "--artifact-type", "a/b", "list", file]);
  }
}

/** Starts a registry that holds back the second half of the manifests until `go`: `on` accepts them, `fail` rejects them. */
function startHesitant(images: number) {
  const { fetch } = createRegistry({ storage: createMemoryStorage() });
  const go = Promise.withResolvers<"on" | "fail">();
  let manifests = 0;
  const registry = serve(async (request) => {
    if (request.method !== "PUT" || !request.url.includes("/manifests/")) return await fetch(request);
    if (++manifests > Math.floor(images / 2) && await go.promise === "fail") return new Response("", { status: 400 });
    return await fetch(request);
  });
  return { ...registry, go: go.resolve };
}

const total = (lines: string[]) => lines.filter((line) => /^\d+\/\d+ images? /.test(line));
const many = Array.from({ length: 30 }, (_, i) => `arch${i}`);
const SIZES = [{ columns: 80, rows: 24 }, { columns: 200, rows: 50 }];

for (const size of SIZES) {
  for (
    const [what, platforms] of [["one image", ["amd64"]], ["thirty", many], ["wide names", [
      "日本語",
      "amd64",
    ]]] as const
  ) {
    peerTest(`bars of ${what} at ${size.columns} columns`, ["tmux"], async () => {
      await using at = await makeStore();
      await createList(at, platforms);
      await using registry = startHesitant(platforms.length);
      const push = ["push", "--tls-verify=false", "list", `docker://${registry.host}/x:1`];
      await using terminal = await runInTerminal([...at.flags, ...push], size);
      const half = Math.floor(platforms.length / 2);
      const lines = await terminal.waitFor((lines) => total(lines)[0]?.startsWith(`${half}/`) ?? false);
      const drawn = lines.filter((line) => line !== "");
      assert.ok(drawn.length <= platforms.length + 1 && drawn.length < size.rows, lines.join("\n"));
      assert.ok(lines.every((line) => measureWidth(line) < size.columns), lines.join("\n"));
      assert.equal(total(lines).length, 1);
      if (platforms.length > 20 && size.rows < 30) assert.match(lines.join("\n"), /^… \d+ more images$/m);
      registry.go("on");
      const end = await terminal.waitFor((lines) => lines.includes("exit code 0"));
      assert.match(total(end)[0]!, new RegExp(`^${platforms.length}/${platforms.length} image`));
      assert.equal(total(end).length, 1, "nothing is left of what was drawn before");
    });
  }
}

peerTest(
  "bars stay in order when the window gets another size, and when the push fails in the middle",
  ["tmux"],
  async () => {
    await using at = await makeStore();
    await createList(at, ["amd64", "arm64", "s390x", "日本語"]);
    await using registry = startHesitant(4);
    const push = ["push", "--retry", "0", "--tls-verify=false", "list", `docker://${registry.host}/x:1`];
    await using terminal = await runInTerminal([...at.flags, ...push], { columns: 120, rows: 30 });
    await terminal.waitFor((lines) => total(lines)[0]?.startsWith("2/4 ") ?? false);
    for (const columns of [50, 160, 80]) {
      await terminal.resize(columns, 20);
      const lines = await terminal.waitFor((lines) => {
        const drawn = lines.filter((line) => line !== "");
        return drawn.length === 5 && total(lines).length === 1 && drawn.every((line) => measureWidth(line) < columns);
      });
      assert.equal(lines.filter((line) => line.includes("linux/")).length, 4, lines.join("\n"));
    }
    registry.go("fail");
    const end = await terminal.waitFor((lines) => lines.includes("exit code 125"));
    const at4 = end.findIndex((line) => line.startsWith("2/4 images"));
    assert.ok(at4 >= 4, end.join("\n"));
    assert.match(end[at4 + 1]!, /^Error: Cannot PUT/);
  },
);
