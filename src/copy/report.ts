import type { Signature } from "../signature/mod.ts";
import { ignoreFailure } from "./events.ts";
import type { CopyPlan, PlannedImage } from "./plan.ts";

/** Writes the lines that podman's users know (copy.Image's report writer). */
export interface Reporter {
  /** An image's turn begins. */
  image(image: PlannedImage, position: number): void;
  /** A manifest is being signed. */
  signing(kind: Signature["kind"]): void;
  /** Everything is written. */
  end(): void;
}

/**
 * A reporter for a plan. Images are copied together here, so an image's lines come when its turn begins, in the order
 * of the list.
 */
export function createReporter(writer: { write(text: string): unknown } | undefined, plan: CopyPlan): Reporter {
  const line = (text: string) => ignoreFailure(() => writer?.write(text + "\n"));
  const { index, images, entries } = plan;
  if (index) {
    line("Getting image list signatures");
    line(`Copying ${images.length} images generated from ${entries} images in list`);
  }
  return {
    image({ digest, variant, layers, config }, position) {
      if (index) line(`${variant ? "Replicating" : "Copying"} image ${digest} (${position}/${images.length})`);
      line("Getting image source signatures");
      for (const { descriptor } of layers) line(`Copying blob ${descriptor.digest}`);
      if (config) line(`Copying config ${config.descriptor.digest}`);
      line("Writing manifest to image destination");
    },
    signing(kind) {
      line(`Creating signature: Signing image using ${kind === "simple" ? "simple signing" : "a sigstore signature"}`);
    },
    end() {
      if (!index) return;
      line("Writing manifest list to image destination");
      line("Storing list signatures");
    },
  };
}
