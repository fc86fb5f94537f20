import { encodeUtf8 } from "../../internal/room.ts";
import { type ErrorCode, ManifestsError } from "../../spec/room.ts";
import type { MessageSigner } from "../types.ts";
import { runGpg } from "./process.ts";
import { findStatus, type StatusLine } from "./status.ts";

/** Options of {@linkcode openGpgKey}. */
export interface GpgKeyOptions {
  /** gpg's home; default: the user's. */
  readonly homedir?: string | undefined;
  /**
   * What unlocks the key, without a line break; default: gpg's agent knows it or asks. Kept until the signer is
   * disposed, which wipes it.
   */
  readonly passphrase?: Uint8Array | undefined;
  /** Ends the look-up of the key. */
  readonly signal?: AbortSignal | undefined;
}

/** gpgme takes nothing shorter for a name of a key. */
const MIN_NAME_LENGTH = 8;
const NEWLINE = encodeUtf8("\n");

/**
 * Finds a secret key in a keyring of the gpg binary, to sign with it there: it may be locked, or on a smart card.
 *
 * @param name A fingerprint; or whatever else gpg takes for a key, such as an e-mail address, that only one secret key
 * has: of several, gpg would take any.
 * @throws {TypeError} Where the name is shorter than 8 characters, or the passphrase holds a line break.
 * @throws {ManifestsError} With code `KEY_UNKNOWN` or `SIGNING_UNAVAILABLE`.
 */
export async function openGpgKey(name: string, options: GpgKeyOptions = {}): Promise<MessageSigner> {
  if (name.length < MIN_NAME_LENGTH) {
    throw new TypeError(
      `Cannot find key as its name must have ${MIN_NAME_LENGTH} characters: current value is ${JSON.stringify(name)}`,
    );
  }
  if (options.passphrase?.includes(NEWLINE[0]!)) {
    throw new TypeError("Cannot use passphrase as it must not contain a line break");
  }
  const { homedir, signal } = options;
  const passphrase = options.passphrase?.slice();
  const listed = await runGpg(["--with-colons", "--list-secret-keys", "--", name], { homedir, signal });
  const keys = parseListing(new TextDecoder().decode(listed.output));
  if (keys.filter(({ primary }) => primary).length > 1) fail("KEY_UNKNOWN", name, "several keys have that name");
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

/** A key or subkey in a keyring. */
interface ListedKey {
  readonly primary: boolean;
  readonly signs: boolean;
  readonly created: number;
  fingerprint: string;
}

/** Reads what `--with-colons` lists: one line for a key, another one for its fingerprint. */
function parseListing(listing: string): ListedKey[] {
  const keys: ListedKey[] = [];
  for (const fields of listing.split("\n").map((line) => line.split(":"))) {
    const [kind, validity] = fields;
    if (kind === "sec" || kind === "ssb") {
      // Expired, revoked, invalid or disabled.
      const usable = !/[erid]/.test(validity!);
      const signs = usable && fields[11]!.includes("s");
      keys.push({ primary: kind === "sec", signs, created: Number(fields[5]), fingerprint: "" });
    } else if (kind === "fpr" && keys.at(-1)?.fingerprint === "") keys.at(-1)!.fingerprint = fields[9]!;
  }
  return keys;
}

/**
 * The primary key where it can sign, as verifiers that know nothing of subkeys refuse what a subkey signed, and gpg by
 * itself would take one; otherwise the newest subkey that can.
 */
function chooseSigningKey(keys: readonly ListedKey[]): string | undefined {
  const able = keys.filter(({ signs }) => signs).toSorted((a, b) => b.created - a.created);
  return (able.find(({ primary }) => primary) ?? able[0])?.fingerprint;
}

/** gpg's errors that are about a passphrase: GPG_ERR_BAD_PASSPHRASE, NO_PIN_ENTRY, CANCELED, NO_PASSPHRASE. */
const WRONG_PASSPHRASE = 11;
const NO_PASSPHRASE: readonly number[] = [86, 99, 177];

function failSigning(fingerprint: string, status: readonly StatusLine[]): never {
  const failure = findStatus(status, "FAILURE").find(({ fields }) => fields[0] === "sign");
  // The upper half says which part of gpg it was.
  const number = Number(failure?.fields[1] ?? 0) & 0xffff;
  if (number === WRONG_PASSPHRASE) fail("PASSPHRASE_WRONG", fingerprint, "the passphrase does not unlock it");
  if (NO_PASSPHRASE.includes(number) || findStatus(status, "PINENTRY_LAUNCHED").length > 0) {
    fail("PASSPHRASE_REQUIRED", fingerprint, "it is locked, and gpg got no passphrase from whom it asked");
  }
  fail("SIGNING_FAILED", fingerprint, `gpg reports error ${number}`);
}

function fail(code: ErrorCode, key: string, problem: string): never {
  throw new ManifestsError(code, `Cannot sign with key ${JSON.stringify(key)} as ${problem}`);
}
