import { pushPlatforms } from "../tests/support/images.ts";
import { startDockerRegistry } from "../tests/support/registries.ts";
import { makeStore } from "../tests/support/stores.ts";
import { findPeer } from "./peers.ts";
import { CLI } from "./settings.ts";
import { compare, measure, ok, report } from "./support.ts";

/** Runs short commands as processes, whose start-up time matters most. */
export async function processes(): Promise<void> {
  await using registry = await startDockerRegistry();
  await using at = await makeStore();
  await pushPlatforms(registry.host, "app", [{ architecture: "amd64" }]);
  const image = `docker://${registry.host}/app:amd64`;
  const steps = (tool: string[], name: string, run: number) => [
    [...tool, "create", `${name}${run}`],
    [...tool, "add", "--tls-verify=false", `${name}${run}`, image],
    [...tool, "inspect", `${name}${run}`],
  ];
  const runAll = async (commands: string[][]) => {
    for (const command of commands) await ok(command);
  };
  const samples = await compare(10, [
    { name: "manifests create + add + inspect", run: (run) => runAll(steps([...CLI, ...at.flags], "ours", run)) },
    { name: "buildah manifest …", run: (run) => runAll(steps(["buildah", ...at.flags, "manifest"], "theirs", run)) },
  ]);
  report("create, add and inspect as processes", samples);
  for (
    const [name, args] of [["exists", ["exists"]], ["inspect", ["inspect"]], ["create", ["create", "--amend"]]] as const
  ) {
    const run = (tool: readonly string[]) => async () => await measure([...tool, ...args, "ours0"]);
    const pair = [
      { name: `manifests ${name}`, run: run([...CLI, ...at.flags]) },
      { name: `buildah manifest ${name}`, run: run(["buildah", ...at.flags, "manifest"]) },
    ];
    report(`${name}, one process`, await compare(20, pair));
  }
  const inspections = [{
    name: "manifests inspect docker://…",
    run: async () => await measure([...CLI, "inspect", "--tls-verify=false", image]),
  }];
  const crane = await findPeer("crane");
  if (crane) {
    const command = [crane, "manifest", "--insecure", image.replace("docker://", "")];
    inspections.push({ name: "crane manifest", run: async () => await measure(command) });
  }
  report("inspect an image in a registry, one process", await compare(20, inspections));
}
