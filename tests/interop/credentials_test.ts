/** Which credentials are sent, with credential files, helpers and variables: the same ones that skopeo sends. */
import assert from "node:assert/strict";
import { CLI } from "../support/cli.ts";
import { writeTree } from "../support/config_files.ts";
import { folderTest } from "../support/folders.ts";
import { exec } from "../support/peers.ts";
import { startRecorded } from "../support/recorded_registries.ts";

const auth = (user: string) => ({ auth: btoa(`${user}:pass`) });

/** A helper that knows one registry, `HOST`, and writes down what it is asked. */
const helper = (host: string, answer: string) =>
  `#!/bin/sh
read -r registry
echo "$1 $registry" >> "$(dirname "$0")/asked"
if [ "$registry" = "${host}" ]; then
${answer}
fi
echo "credentials not found in native keychain"
exit 1
`;

const answering = (user: string, secret = "pass") =>
  `echo '{"ServerURL":"x","Username":"${user}","Secret":"${secret}"}'; exit 0`;

folderTest("the same credentials as skopeo's are sent", async (home) => {
  await using registry = startRecorded({ access: { scheme: "basic", users: { nobody: "never" } } });
  const { host } = registry;
  await writeTree(home, {
    "bin/docker-credential-one": helper(host, answering("helper")),
    "bin/docker-credential-none": helper("other.test", answering("never")),
    "bin/docker-credential-failing": helper(host, "echo no luck; exit 3"),
    "bin/docker-credential-garbage": helper(host, "echo hunter2; exit 0"),
    "none/.keep": "",
    // Everywhere at once: the first in the search order counts.
    "all/run/containers/auth.json": JSON.stringify({ auths: { [host]: auth("runtime") } }),
    "all/.config/containers/auth.json": JSON.stringify({ auths: { [`${host}/ns/app`]: auth("config") } }),
    "all/.docker/config.json": JSON.stringify({ auths: { [host]: auth("docker") } }),
    "all/.dockercfg": JSON.stringify({ [host]: auth("legacy") }),
    "all/xdg/containers/auth.json": JSON.stringify({ auths: { [host]: auth("xdg") } }),
    "all/given.json": JSON.stringify({ auths: { [host]: auth("given") } }),
    "all/dockerconfig/config.json": JSON.stringify({ auths: { [host]: auth("dockerconfig") } }),
    "all/empty/config.json": "{}",
    "docker/.docker/config.json": JSON.stringify({ auths: { [host]: auth("docker") } }),
    "docker/.dockercfg": JSON.stringify({ [host]: auth("legacy") }),
    "legacy/.dockercfg": JSON.stringify({ [`https://${host}/v1/`]: auth("legacy") }),
    "legacyns/.dockercfg": JSON.stringify({ [`${host}/ns`]: auth("legacy") }),
    "namespaces/.config/containers/auth.json": JSON.stringify({
      auths: { [host]: auth("host"), [`${host}/ns`]: auth("ns"), [`${host}/ns/app`]: auth("app") },
    }),
    "schemes/.config/containers/auth.json": JSON.stringify({ auths: { [`https://${host}/v2/`]: auth("scheme") } }),
    "nul/.config/containers/auth.json": JSON.stringify({ auths: { [host]: { auth: btoa("nul:pass\0\0") } } }),
    "nocolon/.config/containers/auth.json": JSON.stringify({ auths: { [host]: { auth: btoa("nocolon") } } }),
    "notbase64/.config/containers/auth.json": JSON.stringify({ auths: { [host]: { auth: "%%%" } } }),
    "empty/.config/containers/auth.json": "",
    "broken/.config/containers/auth.json": "{",
    "later/.config/containers/auth.json": JSON.stringify({ auths: { "other.test": auth("other") } }),
    "later/.docker/config.json": "{",
    "helper/.config/containers/auth.json": JSON.stringify({
      credHelpers: { [host]: "one" },
      auths: { [host]: auth("never") },
    }),
    "nothelper/.config/containers/auth.json": JSON.stringify({
      credHelpers: { [host]: "none" },
      auths: { [host]: auth("never") },
    }),
    "nothelper/.docker/config.json": JSON.stringify({ auths: { [host]: auth("docker") } }),
    "failing/.config/containers/auth.json": JSON.stringify({ credHelpers: { [host]: "failing" } }),
    "garbage/.config/containers/auth.json": JSON.stringify({ credHelpers: { [host]: "garbage" } }),
    "missing/.config/containers/auth.json": JSON.stringify({ credHelpers: { [host]: "missing" } }),
    "globals/.config/containers/registries.conf": 'credential-helpers = ["none", "one", "containers-auth.json"]',
    "globals/.config/containers/auth.json": JSON.stringify({ auths: { [host]: auth("never") } }),
    "filefirst/.config/containers/registries.conf": 'credential-helpers = ["containers-auth.json", "one"]',
    "filefirst/.config/containers/auth.json": JSON.stringify({ auths: { [host]: auth("file") } }),
    "brokenfirst/.config/containers/registries.conf": 'credential-helpers = ["containers-auth.json", "failing", "one"]',
    "brokenfirst/.config/containers/auth.json": "{",
    "allbroken/.config/containers/registries.conf": 'credential-helpers = ["containers-auth.json", "failing"]',
    "allbroken/.config/containers/auth.json": "{",
  });
  for (const name of ["one", "none", "failing", "garbage"]) {
    await Deno.chmod(`${home}/bin/docker-credential-${name}`, 0o755);
  }
  for await (const { name } of Deno.readDir(home)) {
    // A main file of the user's own keeps the system's drop-ins out.
    const conf = `${home}/${name}/.config/containers/registries.conf`;
    const text = await Deno.readTextFile(conf).catch(() => "");
    await writeTree(home, {
      [`${name}/.config/containers/registries.conf`]: `${text}\n[[registry]]\nlocation = "${host}"\ninsecure = true`,
    });
  }
  const at = (name: string, variables: Record<string, string> = {}) => ({
    HOME: `${home}/${name}`,
    XDG_RUNTIME_DIR: `${home}/${name}/run`,
    XDG_CONFIG_HOME: "",
    DOCKER_CONFIG: "",
    DOCKER_AUTH_CONFIG: "",
    REGISTRY_AUTH_FILE: "",
    PATH: `${home}/bin:${Deno.env.get("PATH")}`,
    ...variables,
  });
  // The user that the registry sees, `-` for anonymous, or nothing if the tool fails before its first request.
  const rows: [env: Record<string, string>, repository: string, user: string | undefined][] = [
    [at("none"), "ns/app", "-"],
    [at("all"), "ns/app", "runtime"],
    [at("all", { XDG_RUNTIME_DIR: `${home}/none` }), "ns/app", "config"],
    [at("all", { XDG_RUNTIME_DIR: `${home}/none` }), "ns/other", "docker"],
    [at("all", { XDG_RUNTIME_DIR: `${home}/none`, XDG_CONFIG_HOME: `${home}/all/xdg` }), "ns/app", "xdg"],
    [at("all", { REGISTRY_AUTH_FILE: `${home}/all/given.json` }), "ns/app", "given"],
    [at("all", { REGISTRY_AUTH_FILE: `${home}/all/given.json`, DOCKER_CONFIG: `${home}/none` }), "ns/app", "given"],
    [at("docker"), "ns/app", "docker"],
    [at("legacy"), "ns/app", "legacy"],
    [at("legacyns"), "ns/app", "legacy"],
    [at("namespaces"), "ns/app", "app"],
    [at("namespaces"), "ns/app/sub", "app"],
    [at("namespaces"), "ns/other", "ns"],
    [at("namespaces"), "nsother/app", "host"],
    [at("schemes"), "ns/app", "scheme"],
    [at("nul"), "ns/app", "nul"],
    [at("nocolon"), "ns/app", "-"],
    [at("notbase64"), "ns/app", undefined],
    [at("empty"), "ns/app", undefined],
    [at("broken"), "ns/app", undefined],
    [at("later"), "ns/app", undefined],
    [at("helper"), "ns/app", "helper"],
    [at("nothelper"), "ns/app", "docker"],
    [at("failing"), "ns/app", undefined],
    [at("garbage"), "ns/app", undefined],
    [at("missing"), "ns/app", undefined],
    [at("globals"), "ns/app", "helper"],
    [at("filefirst"), "ns/app", "file"],
    [at("brokenfirst"), "ns/app", "helper"],
    [at("allbroken"), "ns/app", undefined],
  ];
  const users = async (command: readonly string[], env: Record<string, string>) => {
    registry.asked.length = 0;
    const { code, stderr } = await exec([...command], env);
    assert.notEqual(code, 0);
    // Nothing that a file or a helper holds is shown, and nothing that made a secret of it.
    assert.doesNotMatch(stderr, /pass\b/);
    return { user: registry.asked.at(-1)?.split(" ")[1]?.split(":")[0], stderr };
  };
  // A variable that skopeo does not know, but podman and buildah do.
  const podmanRows: typeof rows = [
    [at("all", { DOCKER_CONFIG: `${home}/all/dockerconfig` }), "ns/app", "dockerconfig"],
    [
      at("all", { DOCKER_CONFIG: `${home}/all/empty`, REGISTRY_AUTH_FILE: `${home}/all/given.json` }),
      "ns/app",
      "given",
    ],
  ];
  const store = ["--root", `${home}/store`, "--runroot", `${home}/run`, "--storage-driver", "vfs"];
  for (const [env, repository, user] of podmanRows) {
    const image = `docker://${host}/${repository}:1`;
    const row = JSON.stringify(env);
    assert.equal((await users(["podman", ...store, "pull", image], env)).user, user, `podman ${row}`);
    assert.equal((await users([...CLI, "inspect", image], env)).user, user, row);
  }
  for (const [env, repository, user] of rows) {
    const image = `docker://${host}/${repository}:1`;
    const row = JSON.stringify([env.HOME, repository]);
    assert.equal((await users(["skopeo", "inspect", "--raw", image], env)).user, user, `skopeo ${row}`);
    const ours = await users([...CLI, "inspect", image], env);
    assert.equal(ours.user, user, `${row}: ${ours.stderr}`);
    assert.doesNotMatch(ours.stderr, /hunter2/);
  }
}, ["skopeo", "podman"]);
