/** `login` and `logout`: texts, the check before writing, files, helpers and prompts. */
import assert from "node:assert/strict";
import { CLI, cli } from "../support/cli.ts";
import { writeTree } from "../support/config_files.ts";
import { folderTest } from "../support/folders.ts";
import type { CommandResult } from "../support/peers.ts";
import { serve, startEmbedded } from "../support/registries.ts";
import { runInTerminal } from "../support/terminal.ts";

const USERS = { me: "secret:1" };

/** An environment in which only files below a folder are used. */
const isolate = (folder: string, variables: Record<string, string> = {}) => ({
  HOME: folder,
  XDG_RUNTIME_DIR: `${folder}/run`,
  XDG_CONFIG_HOME: "",
  DOCKER_CONFIG: "",
  REGISTRY_AUTH_FILE: "",
  DOCKER_AUTH_CONFIG: "",
  ...variables,
});

/** Runs our command line with text on standard input. */
async function feed(args: string[], input: string, env: Record<string, string>): Promise<CommandResult> {
  const [name, ...rest] = [...CLI, ...args] as [string, ...string[]];
  const pipes = { stdin: "piped", stdout: "piped", stderr: "piped" } as const;
  const child = new Deno.Command(name, { args: rest, env: { NO_COLOR: "1", ...env }, ...pipes }).spawn();
  const writer = child.stdin.getWriter();
  await writer.write(new TextEncoder().encode(input));
  await writer.close();
  const { code, stdout, stderr } = await child.output();
  return { code, stdout: new TextDecoder().decode(stdout), stderr: new TextDecoder().decode(stderr) };
}

for (const scheme of ["basic", "bearer"] as const) {
  folderTest(`login asks a registry with ${scheme} authentication before it writes`, async (folder) => {
    await using registry = startEmbedded({ access: { scheme, users: USERS } });
    const { host } = registry;
    await Deno.mkdir(`${folder}/run`);
    const env = isolate(folder);
    const file = `${folder}/run/containers/auth.json`;
    const run = (...args: string[]) => cli(args, env);
    const login = (input: string, ...args: string[]) =>
      feed(["login", "--tls-verify=false", "-u", "me", "--password-stdin", ...args, host], input, env);
    const wrong = await login("wrong");
    assert.deepEqual([wrong.code, wrong.stdout, wrong.stderr], [
      125,
      "",
      `Error: logging into "${host}": invalid username/password\n`,
    ]);
    await assert.rejects(Deno.stat(file));
    if (scheme === "bearer") return void assert.equal((await login("secret:1")).stdout, "Login Succeeded!\n");
    // The lines of standard input are joined.
    const right = await login("secret\r\n:1\n", "-v");
    assert.deepEqual([right.code, right.stdout, right.stderr], [0, `Used:  ${file}\nLogin Succeeded!\n`, ""]);
    const before = await Deno.readTextFile(file);
    assert.equal((await login("wrong")).code, 125);
    assert.equal(await Deno.readTextFile(file), before);
    assert.equal((await run("login", "--get-login", `${host}/ns`)).stdout, "me\n");
    assert.equal(
      (await run("login", "--tls-verify=false", host)).stdout,
      `Authenticating with existing credentials for ${host}\n` +
        `Existing credentials are valid. Already logged in to ${host}\n`,
    );
    assert.equal((await run("logout", host)).stdout, `Removed login credentials for ${host}\n`);
    const again = await run("logout", host);
    assert.deepEqual([again.code, again.stderr], [125, `Error: not logged into ${host}\n`]);
    assert.equal((await run("login", "--get-login", host)).stderr, `Error: not logged into ${host}\n`);
  });
}

folderTest("login and logout explain contradictions and missing input", async (folder) => {
  await using registry = startEmbedded({ access: { scheme: "basic", users: USERS } });
  const env = isolate(folder);
  await writeTree(folder, {
    "run/containers/auth.json": JSON.stringify({ auths: { "token.example": { identitytoken: "t" } } }),
    "broken.json": "{",
    "empty.conf": "",
    "search.conf": `unqualified-search-registries = ["${registry.host}"]\n`,
  });
  const conf = (name: string) => ["--registries-conf", `${folder}/${name}.conf`];
  const rows: [args: string[], message: RegExp][] = [
    [["login", "--password-stdin", "a.example"], /must provide --username with --password-stdin/],
    [
      ["login", "-u", "a", "-p", "b", "--password-stdin", "a.example"],
      /can't specify both --password-stdin and --pass/,
    ],
    [["login", "-u", "me", "--password-stdin", "a.example"], /standard input is empty/],
    [["login", "-u", "a:b", "-p", "c", "a.example"], /invalid user name "a:b"/],
    [["login", "a.example"], /Cannot ask for the user name and password: standard input is not a terminal/],
    [["login", "-u", "me", "a.example"], /Cannot ask for the password: .*Use --password-stdin/],
    [["login", "token.example"], /currently logged in, auth file contains an Identity token/],
    [["login", "a.example/app:1"], /contains tag or digest/],
    [
      ["login", "--authfile", `${folder}/broken.json`, "-u", "me", "-p", "x", registry.host],
      /broken\.json:1: it is not JSON/,
    ],
    [["login", "--authfile", "a", "--compat-auth-file", "b", "a.example"], /can not be set simultaneously/],
    [["login", ...conf("empty")], /no registries found in registries\.conf, a registry must be provided/],
    [["login", "a.example", "b.example"], /unexpected argument "b\.example"/],
    [["logout", "--all", "a.example"], /--all takes no arguments/],
    [["logout", "--authfile", `${folder}/none.json`, "a.example"], /credential file is not accessible/],
    [["login", "-u", "me", "-p", "secret:1", registry.host], /authenticating creds for .*speak plain HTTP/],
  ];
  for (const [args, message] of rows) {
    const { code, stdout, stderr } = await cli(args, env);
    assert.deepEqual([code, stdout], [125, ""], args.join(" "));
    assert.match(stderr, message);
  }
  // Without a registry, the first one that is searched for short names is used.
  const searched = await cli(["login", "--tls-verify=false", "-u", "me", "-p", "secret:1", ...conf("search")], env);
  assert.deepEqual([searched.code, searched.stdout], [0, "Login Succeeded!\n"]);
  assert.equal((await cli(["logout", "--all"], env)).stdout, "Removed login credentials for all registries\n");
});

folderTest("credentials that must not be sent to the token service are not accepted", async (folder) => {
  const tokens = serve(() => Response.json({ token: "anonymous" }));
  await using _tokens = tokens;
  const realm = `http://localhost:${tokens.host.split(":")[1]}/token`;
  await using registry = serve((request) =>
    request.headers.has("authorization")
      ? new Response("{}")
      : new Response("", { status: 401, headers: { "www-authenticate": `Bearer realm="${realm}"` } })
  );
  const args = [
    "login",
    "--tls-verify=false",
    "-u",
    "me",
    "-p",
    "wrong",
    "--authfile",
    `${folder}/a.json`,
    registry.host,
  ];
  const { code, stderr } = await cli(args, isolate(folder));
  assert.equal(code, 125);
  assert.match(stderr, /were not sent to its token service .*--insecure-token-service localhost/);
  await assert.rejects(Deno.stat(`${folder}/a.json`));
});

/** A helper that writes down its calls, and has what was stored. */
const HELPER = `#!/bin/sh
cd "$(dirname "$0")"
input=$(cat)
echo "$1 $input" >> calls
case "$1" in
store) echo "$input" > stored ;;
get) [ -e stored ] && cat stored || { echo "credentials not found in native keychain"; exit 1; } ;;
erase) [ -e stored ] && rm stored || { echo "credentials not found in native keychain"; exit 1; } ;;
list) [ -e stored ] && echo '{"listed.example":"me"}' || echo '{}' ;;
esac
`;

folderTest("credential helpers store and erase", async (folder) => {
  await using registry = startEmbedded({ access: { scheme: "basic", users: USERS } });
  const { host } = registry;
  const plain = JSON.stringify({ credHelpers: { [host]: "box" } });
  await writeTree(folder, {
    "bin/docker-credential-box": HELPER,
    "run/containers/auth.json": plain,
    "docker/config.json": JSON.stringify({ credsStore: "box", auths: { [host]: { auth: btoa("old:old") } } }),
    "helpers.conf": 'credential-helpers = ["box"]\n',
  });
  await Deno.chmod(`${folder}/bin/docker-credential-box`, 0o755);
  const env = isolate(folder, { PATH: `${folder}/bin:${Deno.env.get("PATH")}` });
  const calls = async () => {
    const text = await Deno.readTextFile(`${folder}/bin/calls`);
    await Deno.remove(`${folder}/bin/calls`);
    return text.trim().split("\n");
  };
  const login = ["login", "-v", "--tls-verify=false", "-u", "me", "-p", "secret:1", host];
  const stored = `store ${JSON.stringify({ ServerURL: host, Username: "me", Secret: "secret:1" })}`;
  // The helper of the registry in the file.
  assert.equal((await cli(login, env)).stdout, "Used:  credential helper: box\nLogin Succeeded!\n");
  assert.deepEqual(await calls(), [`get ${host}`, stored]);
  assert.equal(await Deno.readTextFile(`${folder}/run/containers/auth.json`), plain);
  assert.equal((await cli(["login", "--get-login", host], env)).stdout, "me\n");
  assert.equal((await cli(["logout", host], env)).code, 0);
  assert.deepEqual((await calls()).at(-1), `erase ${host}`);
  // Docker's helper for all registries: the entry of the file must not hide it.
  const docker = { ...env, DOCKER_CONFIG: `${folder}/docker` };
  assert.equal((await cli(login, docker)).code, 0);
  const config = JSON.parse(await Deno.readTextFile(`${folder}/docker/config.json`));
  assert.deepEqual(config, { credsStore: "box", auths: { [host]: {} } });
  assert.equal((await cli(["login", "--get-login", host], docker)).stdout, "me\n");
  assert.equal((await cli(["logout", host], docker)).code, 0);
  await calls();
  // A helper of registries.conf.
  const conf = ["--registries-conf", `${folder}/helpers.conf`];
  assert.equal((await cli([...login, ...conf], env)).code, 0);
  assert.equal((await cli(["logout", "--all", ...conf], env)).code, 0);
  assert.deepEqual(await calls(), [`get ${host}`, stored, "list ", "erase listed.example"]);
  const namespace = await cli([...login.slice(0, -1), ...conf, `${host}/ns`], env);
  assert.match(namespace.stderr, /helper "box" only supports registries/);
});

folderTest("login prompts for the user name and the password, which is not shown", async (folder) => {
  await using registry = startEmbedded({ access: { scheme: "basic", users: USERS } });
  const { host } = registry;
  const authFile = `${folder}/auth.json`;
  await Deno.writeTextFile(authFile, JSON.stringify({ auths: { [host]: { auth: btoa("me:old") } } }));
  const args = ["login", "--tls-verify=false", "--authfile", authFile, host];
  await using terminal = await runInTerminal(args, { columns: 120, rows: 20 });
  await terminal.waitFor((lines) => lines.includes("Username (me):"));
  await terminal.type("\n");
  await terminal.waitFor((lines) => lines.includes("Password:"));
  await terminal.type("secret:1\n");
  const lines = await terminal.waitFor((lines) => lines.includes("exit code 0"));
  assert.deepEqual(lines.filter((line) => line !== ""), [
    `Authenticating with existing credentials for ${host}`,
    "Existing credentials are invalid, please enter valid username and password",
    "Username (me):",
    "Password:",
    "Login Succeeded!",
    "exit code 0",
  ]);
  assert.deepEqual(JSON.parse(await Deno.readTextFile(authFile)).auths, { [host]: { auth: btoa("me:secret:1") } });
}, ["tmux"]);
