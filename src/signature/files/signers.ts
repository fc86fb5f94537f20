import { loadSigningParameters, readRequired } from "../../config/files/room.ts";
import type { Fetch } from "../../internal/room.ts";
import { ManifestsError } from "../../spec/room.ts";
import { openGpgKey } from "../gpg/room.ts";
import { openSigstoreSigner, type SigstoreSignerOptions } from "../sigstore/mod.ts";
import { createSimpleSigner } from "../simple_signing.ts";
import type { Signer } from "../types.ts";
import { readPassphraseFile } from "./passphrase_file.ts";

/** Options of {@linkcode openSignersWith}: the keys that sign. The names are those of libimage's options. */
export interface OpenSignersWithOptions {
  /** Path of a file of signing parameters (containers-sigstore-signing-params.yaml.5). Default: none. */
  readonly signBySigstoreParamFile?: string | undefined;
  /**
   * Asks for the passphrase of the key that the signing parameters name. The returned bytes are wiped after use.
   * Default: the parameters must name a passphrase file.
   */
  readonly privateKeyPassphrasePrompt?: ((keyFile: string) => Promise<Uint8Array>) | undefined;
  /** Name of a key in the user's gpg keyring. Default: no simple signature is made. */
  readonly signBy?: string | undefined;
  /** Passphrase of that key, without a line break. Default: gpg's agent asks the user. */
  readonly signPassphrase?: Uint8Array | undefined;
  /** Path of a private key in cosign's format. Default: no sigstore signature is made with it. */
  readonly signBySigstorePrivateKeyFile?: string | undefined;
  /** Passphrase of that key: required with `signBySigstorePrivateKeyFile`, and may be empty. */
  readonly signSigstorePrivateKeyPassphrase?: Uint8Array | undefined;
  /** Function that sends requests to transparency logs. Default: the global `fetch`. */
  readonly fetch?: Fetch | undefined;
  /** Aborts the look-up of keys. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Opens the signers that the options name, in the order in which they sign. An unusable key is reported here, before
 * anything is copied. The caller disposes the signers, and may wipe the passphrases as soon as this returns.
 *
 * @throws {ManifestsError} With code `KEY_INVALID`, `KEY_UNKNOWN`, `PASSPHRASE_REQUIRED`, `PASSPHRASE_WRONG`,
 * `SIGNING_UNAVAILABLE`, `LIMIT_EXCEEDED`, `CONFIG_FILE_INVALID` or `CONFIG_FILE_UNREADABLE`.
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
      `Cannot sign with ${
        JSON.stringify(path)
      }: certificates issued by Fulcio are not supported: set privateKeyFile instead`,
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
  return await openSigstoreSigner(await readRequired(path, "private key"), { ...options, keyFile: path });
}
