import type { Signature } from "../signature/room.ts";
import { getEntries } from "../spec/room.ts";
import { ignoreFailure } from "./events.ts";
import { type CopyPlan, listIndexes, type PlannedImage, type PlannedNode } from "./plan_types.ts";

/** Writes the lines that podman's users know (copy.Image's report writer). */
export interface Reporter {
  /** An image's turn begins. */
  image(image: PlannedImage): void;
  /** All blobs of an image are in place, and its manifest is written next. */
  manifest(): void;
  /** A manifest is being signed. */
  signing(kind: Signature["kind"]): void;
  /** Everything is written. */
  end(): void;
}

/** Where nobody wants the lines. */
const SILENT: Reporter = { image() {}, manifest() {}, signing() {}, end() {} };

/**
 * A reporter for a plan. Images are copied together here, so an image's lines come when its turn begins, in the order
 * of the list.
 */
export function createReporter(writer: { write(text: string): unknown } | undefined, plan: CopyPlan): Reporter {
  if (!writer) return SILENT;
  const line = (text: string) => ignoreFailure(() => writer.write(text + "\n"));
  const images = plan.images.filter(({ isReferrer }) => !isReferrer);
  const positions = new Map(images.map((image, i) => [image, i + 1]));
  const isList = plan.top.kind === "index";
  if (isList) {
    line("Getting image list signatures");
    line(`Copying ${images.length} images generated from ${countImages(plan.top)} images in list`);
  }
  return {
    image(image) {
      const { digest, variant, layers, config } = image;
      if (image.isReferrer) line(`Copying referrer ${digest}`);
      else if (isList) {
        line(`${variant ? "Replicating" : "Copying"} image ${digest} (${positions.get(image)}/${images.length})`);
      }
      line("Getting image source signatures");
      for (const { descriptor } of layers) line(`Copying blob ${descriptor.digest}`);
      if (config) line(`Copying config ${config.descriptor.digest}`);
    },
    manifest() {
      line("Writing manifest to image destination");
    },
    signing(kind) {
      line(`Creating signature: Signing image using ${kind === "simple" ? "simple signing" : "a sigstore signature"}`);
    },
    end() {
      if (!isList) return;
      line("Writing manifest list to image destination");
      line("Storing list signatures");
    },
  };
}

/** How many different images a list has, those of indexes inside it included where they are copied. */
function countImages(top: PlannedNode): number {
  const indexes = listIndexes(top);
  const digests = new Set(indexes.flatMap(({ manifest }) => getEntries(manifest).map(({ digest }) => digest)));
  for (const { digest } of indexes) digests.delete(digest);
  return digests.size;
}
