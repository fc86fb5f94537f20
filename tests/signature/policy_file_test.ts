/** The policy that applies if no option names one. */
import assert from "node:assert/strict";
import { createPolicy, createSignaturePolicy } from "../../src/signature/room.ts";
import { loadPolicyFile, readPolicyFile } from "../../src/signature/files/room.ts";
import { folderTest } from "../support/folders.ts";
import { exec } from "../support/peers.ts";

const POLICY = '{"default":[{"type":"reject"}]}';
const ROOT = new URL("../../", import.meta.url).pathname;

folderTest("only the policy that an option names is read", async (folder) => {
  await Deno.writeTextFile(`${folder}/policy.json`, POLICY);
  await Deno.writeTextFile(`${folder}/broken.json`, "{}");
  await Deno.symlink(`${folder}/nowhere`, `${folder}/dangling.json`);
  assert.equal((await loadPolicyFile({ path: `${folder}/policy.json` })).default[0]!.type, "reject");
  const rows: [path: string, code: string][] = [
    [`${folder}/broken.json`, "POLICY_INVALID"],
    [`${folder}/none.json`, "POLICY_MISSING"],
    [`${folder}/dangling.json`, "POLICY_MISSING"],
    [folder, "CONFIG_FILE_UNREADABLE"],
  ];
  for (const [path, code] of rows) await assert.rejects(loadPolicyFile({ path }), { code }, path);
});

folderTest(
  "the user's policy comes before the system's, and a missing permission does not bypass it",
  async (folder) => {
    await Deno.mkdir(`${folder}/.config/containers`, { recursive: true });
    await Deno.writeTextFile(`${folder}/.config/containers/policy.json`, POLICY);
    const script = `${folder}/script.js`;
    await Deno.writeTextFile(
      script,
      `import { loadPolicyFile } from "file://${ROOT}src/signature/files/room.ts";
     console.log(await loadPolicyFile().then((policy) => policy.default[0].type, (error) => error.code));`,
    );
    const run = async (...permissions: string[]) => {
      const flags = ["run", "--no-check", "--no-prompt", "--config", `${ROOT}deno.json`, ...permissions, script];
      const { stdout, stderr } = await exec([Deno.execPath(), ...flags], { HOME: folder, NO_COLOR: "1" });
      return stdout.trim() || stderr;
    };
    assert.equal(await run("--allow-env=HOME", `--allow-read=${folder}`), "reject");
    assert.equal(await run("--allow-read"), "CONFIG_FILE_UNREADABLE");
    assert.equal(await run("--allow-env=HOME"), "CONFIG_FILE_UNREADABLE");
  },
);

folderTest("a key that cannot be read refuses the image", async (folder) => {
  const requirement = { type: "signedBy", keyType: "GPGKeys", keyPath: `${folder}/none.gpg` };
  const policy = createSignaturePolicy(createPolicy({ default: [requirement] }), { readFile: readPolicyFile });
  const image = { transport: "dir", identity: folder, namespaces: [], digest: "sha256:0" as never };
  const readSignatures = () => Promise.resolve([{ kind: "simple" as const, bytes: new Uint8Array([0xa3]) }]);
  await assert.rejects(policy.assertAllowed({ ...image, readSignatures }), { code: "POLICY_REJECTED" });
  await assert.rejects(readPolicyFile(`${folder}/none.gpg`), { code: "CONFIG_FILE_UNREADABLE" });
  await Deno.writeFile(`${folder}/large.gpg`, new Uint8Array(4 * 1024 * 1024 + 1));
  await assert.rejects(readPolicyFile(`${folder}/large.gpg`), { code: "LIMIT_EXCEEDED" });
});
