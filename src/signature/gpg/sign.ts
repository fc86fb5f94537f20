import { encodeUtf8 } from "../../internal/mod.ts";
import { type ErrorCode, ManifestsError } from "../../spec/mod.ts";
import type { MessageSigner } from "../simple_signing.ts";
import { runGpg } from "./process.ts";
import { type StatusLine, statusOf } from "./status.ts";

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

const FINGERPRINT_REGEXP = /^[0-9A-Fa-f]{40}$/;
const NEWLINE = encodeUtf8("\n");

/**
 * Finds a secret key in a keyring of the gpg binary, to sign with it there: it may be locked, or on a smart card.
 *
 * @param fingerprint 40 hexadecimal digits: anything shorter may name somebody else's key tomorrow.
 * @throws {TypeError} Where the fingerprint is none, or the passphrase holds a line break.
 * @throws {ManifestsError} With code `KEY_UNKNOWN` or `SIGNING_UNAVAILABLE`.
 */
export async function openGpgKey(fingerprint: string, options: GpgKeyOptions = {}): Promise<MessageSigner> {
  if (!FINGERPRINT_REGEXP.test(fingerprint)) {
    throw new TypeError(
      `Cannot find key as its fingerprint must be 40 hexadecimal digits: current value is ${
        JSON.stringify(fingerprint)
      }`,
    );
  }
  if (options.passphrase?.some((byte) => byte === NEWLINE[0])) {
    throw new TypeError("Cannot use passphrase as it must not contain a line break");
  }
  const { homedir, signal } = options;
  const passphrase = options.passphrase?.slice();
  const listed = await runGpg(["--with-colons", "--list-secret-keys", "--", fingerprint], { homedir, signal });
  const signing = chooseSigningKey(new TextDecoder().decode(listed.output));
  if (listed.code !== 0 || signing === undefined) fail("KEY_UNKNOWN", fingerprint, "it is not in the keyring");
  return {
    fingerprint: signing,
    async seal(payload, call = {}) {
      const unlock = passphrase ? ["--pinentry-mode", "loopback", "--passphrase-fd", "0"] : [];
      const args = [...unlock, "--no-armor", "--no-textmode", "--output", "-", "--local-user", `${signing}!`, "--sign"];
      const input = passphrase ? [passphrase, NEWLINE, payload] : [payload];
      const { code, output, status } = await runGpg(args, { homedir, input, signal: call.signal });
      const [created, ...more] = statusOf(status, "SIG_CREATED");
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

/**
 * Reads what `--with-colons` lists. The primary key where it can sign, as verifiers that know nothing of subkeys refuse
 * what a subkey signed, and gpg by itself would take one; otherwise the newest subkey that can.
 */
function chooseSigningKey(listing: string): string | undefined {
  const keys: { primary: boolean; signs: boolean; created: number; fingerprint: string }[] = [];
  for (const fields of listing.split("\n").map((line) => line.split(":"))) {
    const [kind, validity] = fields;
    if (kind === "sec" || kind === "ssb") {
      const usable = !/[erid]/.test(validity!);
      keys.push({
        primary: kind === "sec",
        signs: usable && fields[11]!.includes("s"),
        created: Number(fields[5]),
        fingerprint: "",
      });
    } else if (kind === "fpr" && keys.at(-1)?.fingerprint === "") keys.at(-1)!.fingerprint = fields[9]!;
  }
  const able = keys.filter(({ signs }) => signs).toSorted((a, b) => b.created - a.created);
  return (able.find(({ primary }) => primary) ?? able[0])?.fingerprint;
}

/** GPG_ERR_BAD_PASSPHRASE and GPG_ERR_NO_PASSPHRASE in the low bits of gpg's error codes. */
const PASSPHRASE_ERRORS: ReadonlyMap<number, ErrorCode> = new Map([
  [11, "PASSPHRASE_WRONG"],
  [31, "PASSPHRASE_REQUIRED"],
  [177, "PASSPHRASE_REQUIRED"],
]);

function failSigning(fingerprint: string, status: readonly StatusLine[]): never {
  const failure = statusOf(status, "FAILURE").find(({ fields }) => fields[0] === "sign");
  const number = Number(failure?.fields[1] ?? 0) & 0xffff;
  fail(PASSPHRASE_ERRORS.get(number) ?? "SIGNING_FAILED", fingerprint, `gpg reports error ${number}`);
}

function fail(code: ErrorCode, fingerprint: string, problem: string): never {
  throw new ManifestsError(code, `Cannot sign with key ${fingerprint} as ${problem}`);
}
