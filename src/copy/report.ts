import type { Signature } from "../signature/room.ts";
import { getEntries } from "../spec/room.ts";
import { ignoreFailure } from "./events.ts";
import { type CopyPlan, listIndexes, type PlannedImage, type PlannedNode } from "./plan_types.ts";

/** Writes the progress lines that podman writes (the report writer of Go's `copy.Image`). */
export interface Reporter {
  /** Reports that the copy of an image starts. */
  image(image: PlannedImage): void;
  /** Reports that all blobs of an image were copied and its manifest is written next. */
  manifest(): void;
  /** Reports that a manifest is being signed. */
  signing(kind: Signature["kind"]): void;
  /** Reports that everything was written. */
  end(): void;
}

/** A reporter that writes nothing. */
const SILENT: Reporter = { image() {}, manifest() {}, signing() {}, end() {} };

/**
 * Creates a reporter for a plan; without a writer, it writes nothing. Images are copied concurrently, so the lines of an
 * image are written when its copy starts, in the order of the list.
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

/** Counts the different images of a list, including those of nested indexes that are copied. */
function countImages(top: PlannedNode): number {
  const indexes = listIndexes(top);
  const digests = new Set(indexes.flatMap(({ manifest }) => getEntries(manifest).map(({ digest }) => digest)));
  for (const { digest } of indexes) digests.delete(digest);
  return digests.size;
}
