/** Keys for sigstore signatures, and signing with files of parameters. */
import assert from "node:assert/strict";
import { verify } from "../../mod.ts";
import { createPolicy, openSigstoreSigner } from "../../src/signature/room.ts";
import { cli, cliOk } from "../support/cli.ts";
import { folderTest } from "../support/folders.ts";
import { encode } from "../support/images.ts";
import { createLog } from "../support/rekor.ts";
import { serve, startEmbedded } from "../support/registries.ts";
import { makeStore } from "../support/stores.ts";
import { runInTerminal } from "../support/terminal.ts";

folderTest("generate-sigstore-key writes a key pair to two new files", async (folder) => {
  await Deno.writeTextFile(`${folder}/pw`, "pw\nmore\n");
  const generate = ["generate-sigstore-key", "--output-prefix", `${folder}/key`, "--passphrase-file", `${folder}/pw`];
  const output = await cliOk(generate);
  assert.equal(output, `Key written to "${folder}/key.private" and "${folder}/key.pub"`);
  const readMode = async (file: string) => (await Deno.stat(file)).mode! & 0o777;
  const modes = [await readMode(`${folder}/key.private`), await readMode(`${folder}/key.pub`)];
  assert.deepEqual(modes, [0o600, 0o644]);
  const before = await Deno.readFile(`${folder}/key.private`);
  await using _signer = await openSigstoreSigner(before, { passphrase: encode("pw") });
  await assert.rejects(openSigstoreSigner(before, { passphrase: encode("pw\n") }), { code: "PASSPHRASE_WRONG" });

  await Deno.writeTextFile(`${folder}/half.private`, "");
  await Deno.writeTextFile(`${folder}/file`, "");
  await Deno.symlink(`${folder}/file/below`, `${folder}/broken.pub`);
  await Deno.symlink(`${folder}/nowhere`, `${folder}/dangling.pub`);
  const named = (prefix: string, ...more: string[]) => ["--output-prefix", `${folder}/${prefix}`, ...more];
  const usage = "Usage: generate-sigstore-key --output-prefix PREFIX";
  const rows: [args: string[], error: RegExp][] = [
    [[], RegExp(usage)],
    [["--output-prefix", ""], RegExp(usage)],
    [named("new", "operand"), RegExp(usage)],
    [named("key"), /Refusing to overwrite existing ".*key\.pub"/],
    [named("half"), /Refusing to overwrite existing ".*half\.private"/],
    [named("new"), /Cannot ask for the passphrase for key .*new\.private: standard input is not a terminal/],
    [named("new", "--passphrase-file", `${folder}/none`), /Cannot read passphrase file .*none/],
    [named("none/new", "--passphrase-file", `${folder}/pw`), /Error writing private key to ".*new\.private"/],
    [named("broken", "--passphrase-file", `${folder}/pw`), /Error checking existence of ".*broken\.pub"/],
    [named("dangling", "--passphrase-file", `${folder}/pw`), /Refusing to overwrite existing ".*dangling\.pub"/],
  ];
  for (const [args, error] of rows) {
    const { code, stdout, stderr } = await cli(["generate-sigstore-key", ...args]);
    assert.deepEqual([code, stdout], [125, ""], stderr);
    assert.match(stderr, error);
  }
  assert.deepEqual(await Deno.readFile(`${folder}/key.private`), before);
  const names = await Array.fromAsync(Deno.readDir(folder), ({ name }) => name);
  const remaining = ["broken.pub", "dangling.pub", "file", "half.private", "key.private", "key.pub", "pw"];
  assert.deepEqual(names.toSorted(), remaining, "failed attempts leave no files");
});

folderTest("generate-sigstore-key asks for a passphrase on the terminal", async (folder) => {
  const prefix = `${folder}/key`;
  await using terminal = await runInTerminal(["generate-sigstore-key", "--output-prefix", prefix], {
    columns: 150,
    rows: 10,
  });
  await terminal.waitFor((lines) => lines.some((line) => line === `Passphrase for key ${prefix}.private:`));
  await terminal.type("s3cret\n");
  const lines = await terminal.waitFor((lines) => lines.includes("exit code 0"));
  assert.ok(!lines.join("\n").includes("s3cret"), "the passphrase is not echoed");
  await using _signer = await openSigstoreSigner(await Deno.readFile(`${prefix}.private`), {
    passphrase: encode("s3cret"),
  });
}, ["tmux"]);

folderTest("--sign-by-sigstore signs and records the signature in a transparency log", async (folder) => {
  await using at = await makeStore();
  await using registry = startEmbedded();
  const log = createLog();
  await using server = serve(log.fetch);
  await Deno.writeTextFile(`${folder}/pw`, "pw\n");
  const passphrase = ["--passphrase-file", `${folder}/pw`];
  await cliOk(["generate-sigstore-key", "--output-prefix", `${folder}/key`, ...passphrase]);
  const params = `${folder}/params.yaml`;
  await Deno.writeTextFile(
    params,
    `privateKeyFile: ${folder}/key.private\nprivateKeyPassphraseFile: ${folder}/pw\nrekorURL: http://${server.host}\n`,
  );
  await Deno.mkdir(`${folder}/.config/containers/registries.d`, { recursive: true });
  await Deno.writeTextFile(
    `${folder}/.config/containers/registries.d/a.yaml`,
    "default-docker:\n  use-sigstore-attachments: true\n",
  );
  const env = { HOME: folder };
  await cliOk([...at.flags, "create", "app"], env);
  const target = `docker://${registry.host}/app:1`;
  await cliOk([...at.flags, "push", "--tls-verify=false", "--sign-by-sigstore", params, "app", target], env);
  const keyData = (await Deno.readFile(`${folder}/key.pub`)).toBase64();
  const systemContext = { dockerInsecureSkipTlsVerify: true, dockerUseSigstoreAttachments: true };
  const evaluate = async (rekorKey: Uint8Array) => {
    const requirement = { type: "sigstoreSigned", keyData, rekorPublicKeyData: rekorKey.toBase64() };
    const { allowed, top } = await verify(target, { policy: createPolicy({ default: [requirement] }), systemContext });
    return allowed ? "allowed" : top.reasons[0]!.code;
  };
  assert.equal(await evaluate(log.publicKey), "allowed");
  assert.equal(await evaluate(createLog().publicKey), "SIGNATURE_LOG_REJECTED");

  // If the log rejects the signature, nothing is pushed.
  log.instead = () => new Response(null, { status: 400 });
  const other = `docker://${registry.host}/other:1`;
  const push = ["push", "--tls-verify=false", "--sign-by-sigstore", params, "app", other];
  const { code, stderr } = await cli([...at.flags, ...push], env);
  assert.equal(code, 125);
  assert.match(stderr, /Cannot record signature in the log: http:\/\/.* answered 400/);
  assert.equal((await fetch(`http://${registry.host}/v2/other/manifests/1`, { method: "HEAD" })).status, 404);
});

folderTest("unusable signing parameters and keys are reported", async (folder) => {
  await using at = await makeStore();
  await cliOk([...at.flags, "create", "app"]);
  const params = `${folder}/params.yaml`;
  await Deno.writeTextFile(params, "fulcio: {fulcioURL: https://fulcio.example, oidcMode: interactive}\n");
  const rows: [flags: string[], error: RegExp][] = [
    [["--sign-by-sigstore", params], /certificates issued by Fulcio are not supported/],
    [["--sign-by-sigstore", `${folder}/none`], /Cannot read signing parameters .*none/],
    [["--sign-by-sq-fingerprint", "F".repeat(40)], /--sign-by-sq-fingerprint is not supported/],
  ];
  for (const [flags, error] of rows) {
    const { code, stderr } = await cli([...at.flags, "push", ...flags, "app", `dir:${folder}/out`]);
    assert.equal(code, 125, stderr);
    assert.match(stderr, error);
  }
});
