import type { Signature } from "../signature/mod.ts";
import { type Digest, entriesOf } from "../spec/mod.ts";
import { ignoreFailure } from "./events.ts";
import type { CopyPlan, PlannedImage, PlannedNode } from "./plan_types.ts";

/** Writes the lines that podman's users know (copy.Image's report writer). */
export interface Reporter {
  /** An image's turn begins. */
  image(image: PlannedImage): void;
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
  const images = plan.images.filter(({ isReferrer }) => !isReferrer);
  const isList = plan.top.kind === "index";
  if (isList) {
    line("Getting image list signatures");
    line(`Copying ${images.length} images generated from ${listImages(plan.top).size} images in list`);
  }
  return {
    image(image) {
      const { digest, variant, layers, config } = image;
      const position = images.indexOf(image) + 1;
      if (image.isReferrer) line(`Copying referrer ${digest}`);
      else if (isList) line(`${variant ? "Replicating" : "Copying"} image ${digest} (${position}/${images.length})`);
      line("Getting image source signatures");
      for (const { descriptor } of layers) line(`Copying blob ${descriptor.digest}`);
      if (config) line(`Copying config ${config.descriptor.digest}`);
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

/** The different images of an index, those of indexes inside it included where they are copied. */
function listImages(node: PlannedNode): ReadonlySet<Digest> {
  if (node.kind === "image") return new Set([node.digest]);
  const nested = node.members.map(({ node }) => node).filter(({ kind }) => kind === "index");
  const indexes = new Set(nested.map(({ digest }) => digest));
  const own = entriesOf(node.manifest).map(({ digest }) => digest).filter((digest) => !indexes.has(digest));
  return new Set([...own, ...nested.flatMap((index) => [...listImages(index)])]);
}
