/** Every command that docs/migrating.md offers instead of a foreign one works as it is written. */
import assert from "node:assert/strict";
import { composeIndex } from "../../src/system/remote/mod.ts";
import { folderTest } from "../support/folders.ts";
import { clientOf } from "../support/images.ts";
import { startEmbedded } from "../support/registries.ts";
import { prepare, ROOT, runScript } from "./quay.ts";

const APP = "quay.io/me/app";
/** Commands that ask for a password, serve until they are stopped, or need a Docker daemon; they have tests of their own. */
const UNTRIED = /^(login|logout|registry serve) |docker-daemon:/;

/** Returns the second cells of all rows of the tables: what to write instead. */
async function readOffers(): Promise<string[]> {
  const text = await Deno.readTextFile(new URL("docs/migrating.md", ROOT));
  const rows = text.split("\n").filter((line) => line.startsWith("|") && !/^\| -/.test(line));
  return rows.map((row) => row.split(" | ")[1]!.trim()).filter((cell) => cell !== "manifests");
}

/** Returns the arguments of a command with names for its placeholders; `row` makes them unique. */
function fillIn(command: string, row: string, names: { digest: string; file: string; policy: string }): string[] {
  const isNew = /^copy |--create /.test(command);
  const words: Record<string, string> = {
    L: `list-${row}`,
    R: /--create /.test(command) ? `${APP}:new-${row}` : `${APP}:index-${row}`,
    S: `${APP}:new-${row}`,
    A: `${APP}:1.0-arm64`,
    B: isNew && command.startsWith("copy ") ? `${APP}:new-${row}` : `${APP}:1.0-amd64`,
    D: names.digest,
    DIGEST: names.digest,
    FILE: names.file,
    P: "linux/arm64",
    REPOSITORY: APP,
    "'^v1\\.'": "^1",
    "U:P": "me:secret",
    "HOST/R": `quay.io/copies/app-${row}`,
    "R…": `${APP}:1.0-arm64`,
    "R:a": `${APP}:1.0-arm64`,
    "R:b": `${APP}:1.0-amd64`,
    "R:old": `${APP}:index-${row}`,
    "R:tag": `${APP}:new-${row}`,
    "linux/arm64=A": `linux/arm64=${APP}:1.0-arm64`,
    TEMPLATE: `${APP}:1.0-{arch}`,
    "OLD-TEMPLATE": `${APP}:1.0-ARCH`,
    "SOURCE-FILE": `${names.file}.source`,
    "SPEC-FILE": `${names.file}.spec`,
    "TAGS-FILE": `${names.file}.tags`,
    "METADATA-FILE": `${names.file}.metadata`,
    "OUT-FILE": `${names.file}.out`,
    "TAR-FILE": `${names.file}.tar`,
    IMAGE: "localhost/image:1",
    NAME: `localhost/image:${row}`,
    FOLDER: `${names.file}.digests`,
    '"$TAGS"': `${APP}:new-${row}`,
    '"$SOURCES"': `${APP}:1.0-arm64,${APP}:1.0-amd64`,
    '"$DOCKER_METADATA_OUTPUT_JSON"': JSON.stringify({ tags: [`${APP}:new-${row}`, `${APP}:more-${row}`] }),
  };
  // All tags are those of a repository.
  if (command.includes("--all-tags")) Object.assign(words, { R: APP, A: APP, B: `${APP}-${row}` });
  const args = command.split(" ").map((word) => {
    const [, transport = "", name = word] = /^(docker:\/\/|containers-storage:|docker-archive:)(.*)$/.exec(word) ?? [];
    return `${transport}${words[name] ?? name}`;
  });
  return args[0] === "copy" ? [...args, "--signature-policy", names.policy] : args;
}

/** Writes the files that commands of the page read, next to a file. */
async function writeInputs(file: string, host: string): Promise<void> {
  const repository = clientOf(host).repository("me/app");
  const spec = { image: `${APP}:spec`, manifests: [{ image: `${APP}:1.0-arm64` }] };
  const contents = { source: `${APP}:1.0-arm64\n`, tags: "b1\nb2\n", spec: JSON.stringify(spec) };
  const metadata = JSON.stringify({ annotations: ["manifest:a=b", "index:a=b"] });
  for (const [name, text] of Object.entries({ ...contents, metadata })) {
    await Deno.writeTextFile(`${file}.${name}`, text);
  }
  await Deno.mkdir(`${file}.digests`);
  for (const tag of ["1.0-arm64", "1.0-amd64"]) {
    const { digest } = (await repository.headManifest(tag))!;
    await Deno.writeTextFile(`${file}.digests/${digest.slice("sha256:".length)}`, "");
  }
}

Deno.test("each row of docs/migrating.md offers a command, an example or a function", async () => {
  const offers = await readOffers();
  assert.ok(offers.length > 30);
  for (const offer of offers) assert.match(offer, /^`manifests |^\[examples\/|`composeIndex`/);
});

folderTest("the commands of docs/migrating.md work as they are written", async (folder) => {
  await using registry = startEmbedded();
  const env = await prepare(folder, registry.host);
  const systemContext = { dockerInsecureSkipTlsVerify: true };
  const images = ["arm64", "amd64"].map((suffix) => `${registry.host}/me/app:1.0-${suffix}`);
  const commands: string[][] = [];
  for (const [row, offer] of (await readOffers()).entries()) {
    const target = `${registry.host}/me/app:index-${row}`;
    const { instances } = await composeIndex({ target, sources: images, systemContext });
    const [digest] = instances.keys();
    const names = { digest: digest!, file: `${folder}/storage.conf`, policy: `${folder}/policy.json` };
    const offered = Array.from(offer.matchAll(/`manifests ([^`]+)`/g), ([, command]) => command!);
    if (!offered.some((command) => command.startsWith("create "))) {
      commands.push(fillIn("create L A B", `${row}`, names));
    }
    for (const command of offered) if (!UNTRIED.test(command)) commands.push(fillIn(command, `${row}`, names));
  }
  await writeInputs(`${folder}/storage.conf`, registry.host);
  await Deno.writeTextFile(`${folder}/policy.json`, '{"default":[{"type":"insecureAcceptAnything"}]}');
  await Deno.writeTextFile(`${folder}/commands.json`, JSON.stringify(commands));
  const script = new URL("run_commands.ts", import.meta.url).pathname;
  const { code, stderr } = await runScript(script, [`${folder}/commands.json`], env);
  assert.equal(code, 0, stderr);
});
