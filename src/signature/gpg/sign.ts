import { encodeUtf8 } from "../../internal/room.ts";
import { type ErrorCode, ManifestsError } from "../../spec/room.ts";
import type { MessageSigner } from "../types.ts";
import { runGpg } from "./process.ts";
import { findStatus, type StatusLine } from "./status.ts";

/** Options of {@linkcode openGpgKey}. */
export interface GpgKeyOptions {
  /** Home directory of gpg. Default: the user's. */
  readonly homedir?: string | undefined;
  /**
   * Passphrase of the key, without a line break. A copy is kept until the signer is disposed, and wiped then.
   * Default: gpg's agent has it or asks the user.
   */
  readonly passphrase?: Uint8Array | undefined;
  /** Aborts the look-up of the key. Default: no signal. */
  readonly signal?: AbortSignal | undefined;
}

/** Minimum length of the name of a key, in characters: the limit of gpgme. */
const MIN_NAME_LENGTH = 8;
const NEWLINE = encodeUtf8("\n");

/**
 * Finds a secret key in a gpg keyring, so that gpg signs with it. The key may be locked, or on a smart card.
 *
 * @param name A fingerprint, or another name that gpg accepts, such as an e-mail address. It must identify one secret
 * key, because gpg would pick any of several.
 * @throws {TypeError} If the name is shorter than 8 characters, or the passphrase contains a line break.
 * @throws {ManifestsError} With code `KEY_UNKNOWN` or `SIGNING_UNAVAILABLE`.
 *
 * @example
 * ```ts
 * import { openGpgKey } from "@multiarch/manifests/signature/gpg";
 * import assert from "node:assert/strict";
 *
 * // With a key in the keyring: createSimpleSigner(await openGpgKey("release@example.com"))
 * await assert.rejects(openGpgKey("short"), TypeError);
 * ```
 */
export async function openGpgKey(name: string, options: GpgKeyOptions = {}): Promise<MessageSigner> {
  if (name.length < MIN_NAME_LENGTH) {
    throw new TypeError(
      `Cannot find key ${JSON.stringify(name)}: its name must have at least ${MIN_NAME_LENGTH} characters`,
    );
  }
  if (options.passphrase?.includes(NEWLINE[0]!)) {
    throw new TypeError("Cannot use passphrase: it must not contain a line break");
  }
  const { homedir, signal } = options;
  const passphrase = options.passphrase?.slice();
  const listed = await runGpg(["--with-colons", "--list-secret-keys", "--", name], { homedir, signal });
  const keys = parseListing(new TextDecoder().decode(listed.output));
  if (keys.filter(({ primary }) => primary).length > 1) {
    fail("KEY_UNKNOWN", name, "several keys have that name: use a fingerprint");
  }
  const signing = chooseSigningKey(keys);
  if (listed.code !== 0 || signing === undefined) fail("KEY_UNKNOWN", name, "it is not in the keyring, or cannot sign");
  return {
    fingerprint: signing,
    async seal(payload, call = {}) {
      const unlock = passphrase ? ["--pinentry-mode", "loopback", "--passphrase-fd", "0"] : [];
      const args = [...unlock, "--no-armor", "--no-textmode", "--output", "-", "--local-user", `${signing}!`, "--sign"];
      const input = passphrase ? [passphrase, NEWLINE, payload] : [payload];
      const { code, output, status } = await runGpg(args, { homedir, input, signal: call.signal });
      const [created, ...more] = findStatus(status, "SIG_CREATED");
      if (code !== 0 || created?.fields[0] !== "S" || more.length > 0) failSigning(signing, status);
      if (created.fields[5] !== signing) fail("SIGNING_FAILED", signing, `gpg signed with ${created.fields[5]}`);
      return output;
    },
    [Symbol.asyncDispose]: () => {
      passphrase?.fill(0);
      return Promise.resolve();
    },
  };
}

/** A primary key or subkey that gpg lists. */
interface ListedKey {
  readonly primary: boolean;
  readonly signs: boolean;
  readonly created: number;
  fingerprint: string;
}

/** Parses the output of `--with-colons`: each key has a line, and a second line for its fingerprint. */
function parseListing(listing: string): ListedKey[] {
  const keys: ListedKey[] = [];
  for (const fields of listing.split("\n").map((line) => line.split(":"))) {
    const [kind, validity] = fields;
    if (kind === "sec" || kind === "ssb") {
      // Validity letters: expired, revoked, invalid, disabled.
      const usable = !/[erid]/.test(validity!);
      const signs = usable && fields[11]!.includes("s");
      keys.push({ primary: kind === "sec", signs, created: Number(fields[5]), fingerprint: "" });
    } else if (kind === "fpr" && keys.at(-1)?.fingerprint === "") keys.at(-1)!.fingerprint = fields[9]!;
  }
  return keys;
}

/**
 * Chooses the primary key if it can sign, and otherwise the newest subkey that can. By default gpg would use a subkey,
 * whose signatures are rejected by verifiers without support for subkeys.
 */
function chooseSigningKey(keys: readonly ListedKey[]): string | undefined {
  const able = keys.filter(({ signs }) => signs).toSorted((a, b) => b.created - a.created);
  return (able.find(({ primary }) => primary) ?? able[0])?.fingerprint;
}

/** Error numbers of libgpg-error: GPG_ERR_BAD_PASSPHRASE; then NO_PIN_ENTRY, CANCELED and NO_PASSPHRASE. */
const WRONG_PASSPHRASE = 11;
const NO_PASSPHRASE: readonly number[] = [86, 99, 177];

function failSigning(fingerprint: string, status: readonly StatusLine[]): never {
  const failure = findStatus(status, "FAILURE").find(({ fields }) => fields[0] === "sign");
  // The upper 16 bits identify the part of gpg that failed.
  const number = Number(failure?.fields[1] ?? 0) & 0xffff;
  if (number === WRONG_PASSPHRASE) fail("PASSPHRASE_WRONG", fingerprint, "wrong passphrase");
  if (NO_PASSPHRASE.includes(number) || findStatus(status, "PINENTRY_LAUNCHED").length > 0) {
    fail("PASSPHRASE_REQUIRED", fingerprint, "it is locked, and gpg did not get a passphrase");
  }
  fail("SIGNING_FAILED", fingerprint, `gpg reports error ${number}`);
}

function fail(code: ErrorCode, key: string, problem: string): never {
  throw new ManifestsError(code, `Cannot sign with key ${JSON.stringify(key)}: ${problem}`);
}
