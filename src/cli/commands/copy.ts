import type { CopyEvent, OutlinedImage } from "../../copy/room.ts";
import { copyImage, outlineImageCopy } from "../../system/local/room.ts";
import { type CommandContext, openLocalStore } from "../context.ts";
import { type PolicyFlags, policyOptions } from "../engine_options.ts";
import { type ProgressFlags, withProgress } from "../progress/mod.ts";
import { type CopyingFlags, createCopyOptions } from "../transfer_options.ts";
import { note } from "../output.ts";
import { printCopied, printOutline } from "./outline.ts";
import { findAny } from "./places.ts";

/** Flags of `copy`. */
export interface CopyFlags extends CopyingFlags, PolicyFlags, ProgressFlags {
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
    ...await createCopyOptions(flags, context),
    ...await policyOptions(flags),
    platforms: flags.platform,
    attestations: flags.attestations,
    preserveDigests: flags.preserveDigests,
    removeListSignatures: flags.removeListSignatures,
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
