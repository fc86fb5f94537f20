/** What the engine takes beside the options that every push has: certificates, configuration, signatures. */
import type { PushOptions } from "../list/room.ts";
import { UsageError } from "./errors.ts";
import type { GlobalFlags } from "./global_flags.ts";
import { readSecret } from "./secrets.ts";

/** Flags about the certificates of registries. */
export interface CertificateFlags {
  certDir?: string;
}

/** Which configuration files count. */
export function configurationContext(
  globals: GlobalFlags,
  { certDir, signaturePolicy }: CertificateFlags & Pick<SigningFlags, "signaturePolicy"> = {},
) {
  const { registriesConf, registriesConfDir, shortNameAliasConf } = globals;
  return {
    ...(certDir === undefined ? {} : { dockerCertPath: certDir }),
    ...(signaturePolicy === undefined ? {} : { signaturePolicyPath: signaturePolicy }),
    ...(registriesConf === undefined ? {} : { systemRegistriesConfPath: registriesConf }),
    ...(registriesConfDir === undefined ? {} : { systemRegistriesConfDirPath: registriesConfDir }),
    ...(shortNameAliasConf === undefined ? {} : { userShortNameAliasConfPath: shortNameAliasConf }),
  };
}

/** Flags of `push` about signatures. */
export interface SigningFlags {
  removeSignatures?: boolean;
  signBy?: string;
  signBySigstore?: string;
  signBySigstorePrivateKey?: string;
  signBySqFingerprint?: string;
  signPassphraseFile?: string;
  signaturePolicy?: string;
}

/** Flags of those who copy what others have made. */
export interface PolicyFlags {
  insecurePolicy?: boolean;
}

/** By which policy images are judged. */
export async function policyOptions({ insecurePolicy }: PolicyFlags) {
  if (!insecurePolicy) return {};
  const { acceptAnything } = await import("../signature/room.ts");
  return { signaturePolicy: acceptAnything };
}

/** What the flags say about signatures. Who has a sigstore key without a file for its passphrase is asked for it. */
export async function signingOptions(flags: SigningFlags): Promise<Partial<PushOptions>> {
  const { signBy, signBySigstore, signBySigstorePrivateKey: sigstoreKey, signPassphraseFile } = flags;
  if (signPassphraseFile !== undefined && signBy !== undefined && sigstoreKey !== undefined) {
    throw new UsageError(
      "only one of --sign-by, --sign-by-sq-fingerprint and --sign-by-sigstore-private-key can be used with --sign-passphrase-file",
    );
  }
  if (flags.signBySqFingerprint !== undefined) {
    throw new UsageError("--sign-by-sq-fingerprint is not supported: use --sign-by or --sign-by-sigstore-private-key");
  }
  const passphrase = signPassphraseFile === undefined ? undefined : await readPassphrase(signPassphraseFile);
  return {
    ...(flags.removeSignatures ? { removeSignatures: true } : {}),
    ...(signBySigstore === undefined
      ? {}
      : { signBySigstoreParamFile: signBySigstore, privateKeyPassphrasePrompt: askPassphrase }),
    ...(signBy === undefined ? {} : { signBy, ...(passphrase === undefined ? {} : { signPassphrase: passphrase }) }),
    ...(sigstoreKey === undefined ? {} : {
      signBySigstorePrivateKeyFile: sigstoreKey,
      signSigstorePrivateKeyPassphrase: passphrase ?? await askPassphrase(sigstoreKey),
    }),
  };
}

async function readPassphrase(file: string): Promise<Uint8Array> {
  const { readPassphraseFile } = await import("../signature/files/room.ts");
  return await readPassphraseFile(file);
}

/** Asks for the passphrase of a key, unless there is no such key: that is what the user should hear of. */
async function askPassphrase(keyFile: string): Promise<string> {
  try {
    await Deno.stat(keyFile);
  } catch (error) {
    throw new Error(`Cannot read private key ${JSON.stringify(keyFile)}: ${(error as Error).message}`, {
      cause: error,
    });
  }
  return await readSecret(
    `passphrase for ${keyFile}`,
    "Use --sign-passphrase-file, or privateKeyPassphraseFile in a file of signing parameters",
  );
}
