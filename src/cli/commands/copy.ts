import type { CopyEvent, OutlinedImage } from "../../copy/room.ts";
import { copyImage, outlineImageCopy } from "../../system/local/room.ts";
import { type CommandContext, createSystemContext, openLocalStore, type RegistryFlags } from "../context.ts";
import { type PolicyFlags, policyOptions, type SigningFlags, signingOptions } from "../engine_options.ts";
import { type ProgressFlags, withProgress } from "../progress/mod.ts";
import { compressionContext, referrersContext, type TransferFlags, transferOptions } from "../transfer_options.ts";
import { note } from "../output.ts";
import { printCopied, printOutline } from "./outline.ts";
import { findAny } from "./places.ts";

/** Flags of `copy`. */
export interface CopyFlags extends RegistryFlags, SigningFlags, PolicyFlags, TransferFlags, ProgressFlags {
  dryRun?: boolean;
  attestations?: boolean;
  platform?: string[];
  preserveDigests?: boolean;
  removeListSignatures?: boolean;
}

/** Runs `copy SOURCE DESTINATION`. */
export async function copy(operands: string[], flags: CopyFlags, context: CommandContext): Promise<void> {
  const [source, destination] = operands as [string, string];
  const options = {
    ...await transferOptions(flags),
    ...await signingOptions(flags),
    ...await policyOptions(flags),
    systemContext: {
      ...await createSystemContext(flags, context),
      ...await compressionContext(flags),
      ...referrersContext(flags),
    },
    platforms: flags.platform,
    attestations: flags.attestations,
    preserveDigests: flags.preserveDigests,
    removeListSignatures: flags.removeListSignatures,
    signal: context.signal,
  };
  await using store = await openLocalStore(context);
  const from = await findAny(store, source);
  if (flags.dryRun) return printOutline(flags, destination, await outlineImageCopy(from, destination, options));
  let attestations: string[] = [];
  const result = await withProgress(flags, (view) => {
    const onProgress = (event: CopyEvent) => {
      if (event.type === "planned") attestations = listAttestations(event.images);
      view.onProgress?.(event);
    };
    return copyImage(from, destination, { ...options, ...view, onProgress });
  });
  // Without --platform, everything is copied, so there is nothing to explain.
  if (flags.platform && !flags.quiet) { for (const digest of attestations) note(`copied attestation ${digest}`); }
  printCopied(flags, result);
}

function listAttestations(images: readonly OutlinedImage[]): string[] {
  return images.filter(({ attests }) => attests !== undefined).map(({ digest }) => digest);
}
