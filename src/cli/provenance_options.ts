import { findCiBuilder, type ProvenanceOptions } from "../actions/room.ts";
import { readEnv } from "../config/files/room.ts";
import { askPassphrase } from "./engine_options.ts";
import { UsageError } from "./errors.ts";

/** Flags about the provenance of an index. */
export interface ProvenanceFlags {
  provenance?: string;
  provenanceAs?: string;
  provenanceChildren?: boolean;
  provenancePassphraseFile?: string;
  builderId?: string;
  /** Passphrase of the key, unless it has its own file: provenance is usually signed with the key of the image. */
  signPassphraseFile?: string;
}

/**
 * Opens the key of `--provenance` and converts the other flags. Asks for the passphrase on the terminal if no file is
 * given.
 *
 * @returns `undefined` without `--provenance`. Disposing the result forgets the key.
 * @throws {UsageError} A flag requires `--provenance`, or has an invalid value.
 */
export async function openProvenance(
  flags: ProvenanceFlags,
): Promise<(ProvenanceOptions & AsyncDisposable) | undefined> {
  const { provenance: keyFile, provenanceAs: as, provenanceChildren: children, builderId } = flags;
  if (keyFile === undefined) {
    const other = (["provenanceAs", "provenanceChildren", "provenancePassphraseFile", "builderId"] as const).find(
      (name) => flags[name] !== undefined,
    );
    if (other) throw new UsageError(`${FLAG_NAMES[other]} requires --provenance`);
    return undefined;
  }
  if (as !== undefined && as !== "bundle" && as !== "tag") {
    throw new UsageError(`unknown --provenance-as ${JSON.stringify(as)}: choose bundle or tag`);
  }
  const { openSignersWith } = await import("../signature/files/room.ts");
  const signBySigstorePrivateKeyFile = keyFile;
  const signSigstorePrivateKeyPassphrase = await readPassphrase(keyFile, flags);
  const [signer] = await openSignersWith({ signBySigstorePrivateKeyFile, signSigstorePrivateKeyPassphrase });
  signSigstorePrivateKeyPassphrase.fill(0);
  const { id, ...ci } = findCiBuilder(readEnv);
  return {
    signer: signer!,
    as,
    children,
    builder: { ...ci, id: builderId ?? id },
    [Symbol.asyncDispose]: async () => await signer![Symbol.asyncDispose]?.(),
  };
}

const FLAG_NAMES = {
  provenanceAs: "--provenance-as",
  provenanceChildren: "--provenance-children",
  provenancePassphraseFile: "--provenance-passphrase-file",
  builderId: "--builder-id",
} as const;

async function readPassphrase(keyFile: string, flags: ProvenanceFlags): Promise<Uint8Array> {
  const file = flags.provenancePassphraseFile ?? flags.signPassphraseFile;
  if (file === undefined) return new TextEncoder().encode(await askPassphrase(keyFile));
  const { readPassphraseFile } = await import("../signature/files/room.ts");
  return await readPassphraseFile(file);
}
