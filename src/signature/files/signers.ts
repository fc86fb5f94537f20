import { loadSigningParameters, readRequired } from "../../config/files/room.ts";
import type { Fetch } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { openGpgKey } from "../gpg/room.ts";
import { openSigstoreSigner, type SigstoreSignerOptions } from "../sigstore/mod.ts";
import { createSimpleSigner } from "../simple_signing.ts";
import type { Signer } from "../types.ts";
import { readPassphraseFile } from "./passphrase_file.ts";

/** Which keys sign; the names are those of libimage's options. */
export interface OpenSignersWithOptions {
  /** A file of signing parameters (containers-sigstore-signing-params.yaml.5); default: none signs. */
  readonly signBySigstoreParamFile?: string | undefined;
  /** Asks for what unlocks the key of that file, which is wiped then; default: its passphrase must be in a file. */
  readonly privateKeyPassphrasePrompt?: ((keyFile: string) => Promise<Uint8Array>) | undefined;
  /** A key in the user's keyring of gpg; default: none signs. */
  readonly signBy?: string | undefined;
  /** What unlocks it, without a line break; default: gpg's agent asks. */
  readonly signPassphrase?: Uint8Array | undefined;
  /** A file with a private key of cosign's form; default: none signs. */
  readonly signBySigstorePrivateKeyFile?: string | undefined;
  /** What unlocks it; must be there with that file, and may be empty. */
  readonly signSigstorePrivateKeyPassphrase?: Uint8Array | undefined;
  /** How logs are asked; default: the global `fetch`. */
  readonly fetch?: Fetch | undefined;
  /** Ends the opening. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens the signers that options name, in the order in which they sign. A key that cannot be used is an error here,
 * before anything is copied. The caller disposes them, and may wipe the passphrases at once.
 *
 * @throws {ManifestsError} With code `KEY_INVALID`, `KEY_UNKNOWN`, `PASSPHRASE_REQUIRED`, `PASSPHRASE_WRONG`,
 * `SIGNING_UNAVAILABLE`, `CONFIG_FILE_INVALID` or `CONFIG_FILE_UNREADABLE`.
 */
export async function openSignersWith(options: OpenSignersWithOptions): Promise<Signer[]> {
  const signers: Signer[] = [];
  try {
    if (options.signBySigstoreParamFile !== undefined) {
      signers.push(await openParameterFile(options.signBySigstoreParamFile, options));
    }
    if (options.signBy !== undefined) {
      const { signBy, signPassphrase: passphrase, signal } = options;
      signers.push(createSimpleSigner(await openGpgKey(signBy, { passphrase, signal })));
    }
    if (options.signBySigstorePrivateKeyFile !== undefined) {
      const { signBySigstorePrivateKeyFile: file, signSigstorePrivateKeyPassphrase: passphrase } = options;
      signers.push(await openPrivateKeyFile(file, { passphrase }));
    }
    return signers;
  } catch (error) {
    for (const signer of signers) await signer[Symbol.asyncDispose]?.();
    throw error;
  }
}

/** Go: `sigstore.NewSignerFromParameterFile`. */
async function openParameterFile(
  path: string,
  { privateKeyPassphrasePrompt: prompt, fetch }: OpenSignersWithOptions,
): Promise<Signer> {
  const { privateKeyFile, privateKeyPassphraseFile, rekorUrl } = await loadSigningParameters(path);
  if (privateKeyFile === undefined) {
    throw new ManifestsError(
      "SIGNING_UNAVAILABLE",
      `Cannot sign as ${path} says as certificates of Fulcio are not supported: name a privateKeyFile`,
    );
  }
  const passphrase = privateKeyPassphraseFile === undefined
    ? await prompt?.(privateKeyFile)
    : await readPassphraseFile(privateKeyPassphraseFile);
  try {
    const rekor = rekorUrl === undefined ? undefined : { url: rekorUrl, fetch };
    return await openPrivateKeyFile(privateKeyFile, { passphrase, rekor });
  } finally {
    passphrase?.fill(0);
  }
}

async function openPrivateKeyFile(path: string, options: SigstoreSignerOptions): Promise<Signer> {
  return await openSigstoreSigner(await readRequired(path, "private key"), options);
}
