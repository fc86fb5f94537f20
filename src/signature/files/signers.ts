import { readRequired } from "../../config/files/mod.ts";
import { openGpgKey } from "../gpg/mod.ts";
import { openSigstoreSigner } from "../sigstore/mod.ts";
import { createSimpleSigner } from "../simple_signing.ts";
import type { Signer } from "../types.ts";

/** Which keys sign; the names are those of libimage's options. */
export interface OpenSignersOptions {
  /** A key in the user's keyring of gpg; default: none signs. */
  readonly signBy?: string | undefined;
  /** What unlocks it, without a line break; default: gpg's agent asks. */
  readonly signPassphrase?: Uint8Array | undefined;
  /** A file with a private key of cosign's form; default: none signs. */
  readonly signBySigstorePrivateKeyFile?: string | undefined;
  /** What unlocks it; must be there with that file, and may be empty. */
  readonly signSigstorePrivateKeyPassphrase?: Uint8Array | undefined;
  /** Ends the opening. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens the signers that options name, in the order in which they sign. A key that cannot be used is an error here,
 * before anything is copied. The caller disposes them, and may wipe the passphrases at once.
 *
 * @throws {ManifestsError} With code `KEY_INVALID`, `KEY_UNKNOWN`, `PASSPHRASE_REQUIRED`, `PASSPHRASE_WRONG`,
 * `SIGNING_UNAVAILABLE` or `CONFIG_FILE_UNREADABLE`.
 */
export async function openSigners(options: OpenSignersOptions): Promise<Signer[]> {
  const signers: Signer[] = [];
  try {
    if (options.signBy !== undefined) {
      const { signBy, signPassphrase: passphrase, signal } = options;
      signers.push(createSimpleSigner(await openGpgKey(signBy, { passphrase, signal })));
    }
    if (options.signBySigstorePrivateKeyFile !== undefined) {
      const file = await readRequired(options.signBySigstorePrivateKeyFile, "private key");
      signers.push(await openSigstoreSigner(file, { passphrase: options.signSigstorePrivateKeyPassphrase }));
    }
    return signers;
  } catch (error) {
    for (const signer of signers) await signer[Symbol.asyncDispose]?.();
    throw error;
  }
}
