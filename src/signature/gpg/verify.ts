import { ManifestsError } from "../../spec/room.ts";
import { startsLikeMessage } from "../blob.ts";
import type { OpenedMessage, OpenMessageOptions } from "../openpgp/mod.ts";
import { refuse } from "../refusal.ts";
import { type GpgResult, runGpg } from "./process.ts";
import { findStatus } from "./status.ts";

/** gpg's code for binary content: the letter `b`, in hex. */
const BINARY = "62";

/**
 * Verifies a signed message with the gpg program, in a temporary home directory with only the given keys. Use it to get
 * exactly the verdicts of gpg. By default, messages are verified in this process, which works on every platform.
 *
 * @throws {SignatureRefusedError} With code `SIGNATURE_EXPIRED`, `SIGNATURE_INVALID`, `SIGNATURE_KEY_EXPIRED`,
 * `SIGNATURE_KEY_REVOKED`, `SIGNATURE_KEY_UNKNOWN`, `SIGNATURE_MESSAGE_INVALID`, `SIGNATURE_WEAK` or `LIMIT_EXCEEDED`.
 * @throws {ManifestsError} With code `KEY_INVALID` or `SIGNING_UNAVAILABLE`.
 *
 * @example
 * ```ts
 * import { openMessageWithGpg } from "@multiarch/manifests/signature/gpg";
 * import assert from "node:assert/strict";
 *
 * const text = new TextEncoder().encode("-----BEGIN PGP SIGNED MESSAGE-----");
 * await assert.rejects(openMessageWithGpg(text, []), { code: "SIGNATURE_MESSAGE_INVALID" });
 * ```
 */
export async function openMessageWithGpg(
  message: Uint8Array<ArrayBuffer>,
  keyrings: readonly Uint8Array[],
  options: OpenMessageOptions = {},
): Promise<OpenedMessage> {
  const { signal } = options;
  // gpg itself would accept clear-signed text.
  if (!startsLikeMessage(message)) {
    refuse("SIGNATURE_MESSAGE_INVALID", "Invalid GPG signature: it is not a binary OpenPGP message");
  }
  const homedir = await Deno.makeTempDir({ prefix: "signature-keys-" });
  try {
    const trusted = new Set<string>();
    for (const keyring of keyrings) {
      const imported = await runGpg(["--import"], { homedir, input: [keyring], signal });
      const found = findStatus(imported.status, "IMPORT_OK").map(({ fields }) => fields[1]!);
      if (found.length === 0) {
        throw new ManifestsError("KEY_INVALID", "Cannot read OpenPGP keyring: No public keys imported");
      }
      for (const fingerprint of found) trusted.add(fingerprint);
    }
    const args = ["--trust-model", "always", "--max-output", String(1024 * 1024), "--output", "-"];
    return judge(await runGpg(args, { homedir, input: [message], signal }), trusted);
  } finally {
    await stopDaemons(homedir);
    await Deno.remove(homedir, { recursive: true });
  }
}

/** Evaluates gpg's status lines. The exit code alone is not sufficient. */
function judge({ code, output, status }: GpgResult, trusted: ReadonlySet<string>): OpenedMessage {
  const count = findStatus(status, "NEWSIG").length;
  if (count !== 1) {
    refuse("SIGNATURE_MESSAGE_INVALID", `Invalid GPG signature: Unexpected GPG signature count ${count}`);
  }
  if (findStatus(status, "REVKEYSIG").length > 0) {
    refuse("SIGNATURE_KEY_REVOKED", "Invalid GPG signature: key is revoked");
  }
  if (findStatus(status, "EXPKEYSIG").length > 0) {
    refuse("SIGNATURE_KEY_EXPIRED", "Invalid GPG signature: key is expired");
  }
  if (findStatus(status, "EXPSIG").length > 0) refuse("SIGNATURE_EXPIRED", "Invalid GPG signature: it is expired");
  const [error] = findStatus(status, "ERRSIG");
  if (error && findStatus(status, "NO_PUBKEY").length > 0) {
    refuse("SIGNATURE_KEY_UNKNOWN", `signature by key ${error.fields[0]} is not accepted`);
  }
  const bad = findStatus(status, "BADSIG", "ERRSIG", "NODATA", "BEGIN_DECRYPTION", "DECRYPTION_OKAY", "UNEXPECTED");
  const good = findStatus(status, "GOODSIG");
  const [valid, ...more] = findStatus(status, "VALIDSIG");
  const plain = findStatus(status, "PLAINTEXT");
  if (bad.length > 0 || good.length !== 1 || !valid || more.length > 0 || plain.length !== 1 || code !== 0) {
    refuse("SIGNATURE_INVALID", `Invalid GPG signature: gpg reports ${status.map(({ keyword }) => keyword).join(" ")}`);
  }
  if (plain[0]!.fields[0] !== BINARY) {
    refuse("SIGNATURE_MESSAGE_INVALID", "Invalid GPG signature: content is not binary");
  }
  const [fingerprint, primaryFingerprint] = [valid.fields[0]!, valid.fields[9]!];
  if (!trusted.has(fingerprint) && !trusted.has(primaryFingerprint)) {
    refuse("SIGNATURE_KEY_UNKNOWN", `signature by key ${fingerprint} of ${primaryFingerprint} is not accepted`);
  }
  return { body: output, fingerprint, primaryFingerprint };
}

/**
 * Stops the agent that gpg may have started in the temporary home. Without the permission, the agent ends by itself.
 */
async function stopDaemons(homedir: string): Promise<void> {
  if (Deno.permissions.querySync({ name: "run", command: "gpgconf" }).state !== "granted") return;
  const args = ["--homedir", homedir, "--kill", "all"];
  try {
    await new Deno.Command("gpgconf", { args, stdin: "null", stdout: "null", stderr: "null" }).output();
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
