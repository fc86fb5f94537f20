import type { DescribedImage, DescribedInstance } from "../../system/local/room.ts";
import { isObject } from "../../json/room.ts";
import { type Digest, formatPlatform, isAttestation, isIndexMediaType } from "../../spec/room.ts";

/** Facts from which the JSON of `inspect --format json` is made. */
export interface DescriptionParts {
  /** The index or manifest, as JSON. */
  readonly document: unknown;
  /** Name of the image, with its transport if it is not in the local store. */
  readonly name: string;
  /** Size of the document in bytes. */
  readonly documentSize: number;
  /** Sizes of all layers and configurations, by digest. */
  readonly blobs: ReadonlyMap<Digest, number>;
  /** Description of the image with its instances. */
  readonly image: DescribedImage;
  /** Configurations of images, by the digest of their manifests. */
  readonly configurations: ReadonlyMap<Digest, unknown>;
  /** Error messages of configurations and attestations that could not be read, by the digest of their manifests. */
  readonly problems: ReadonlyMap<Digest, string>;
  /** Predicates of attestations, by the digest of the attested image and the in-toto type. */
  readonly predicates: ReadonlyMap<string, ReadonlyMap<string, unknown>>;
}

/**
 * Creates the JSON of `inspect --format json`: the members of the document, and facts that scripts otherwise have to
 * collect with further requests. Members of the document are never replaced.
 */
export function createDescriptionJson(parts: DescriptionParts): Record<string, unknown> {
  const { document, documentSize, blobs, name, image, configurations, predicates, problems } = parts;
  const known = isObject(document) ? document : {};
  const { digest, mediaType, signatures, attestations, instances } = image;
  const isIndex = isIndexMediaType(mediaType);
  const images = listImages(instances).filter((instance) => configurations.has(instance.digest));
  const byPlatform = <T>(values: (instance: DescribedInstance) => T | undefined) =>
    Object.fromEntries(
      images.map((instance) => [keyOf(instance, configurations), values(instance)]).filter(([, value]) =>
        value !== undefined
      ),
    );
  const select = (start: RegExp, member: string) =>
    byPlatform((instance) => {
      const found = [...predicates.get(instance.digest) ?? []].find(([type]) => start.test(type));
      return found && { [member]: found[1] };
    });
  return {
    name,
    digest,
    descriptor: { mediaType, digest, size: documentSize },
    isIndex,
    size: [...blobs.values()].reduce((sum, size) => sum + Math.max(size, 0), 0),
    signatures,
    attestations,
    images: byPlatform((instance) => configurations.get(instance.digest)),
    ...(predicates.size > 0
      ? {
        provenance: select(/^https:\/\/slsa\.dev\/provenance\//, "SLSA"),
        sbom: select(/^https:\/\/spdx\.dev\/Document/, "SPDX"),
      }
      : {}),
    mediaType,
    ...known,
    ...(isIndex && Array.isArray(known.manifests)
      ? { manifests: extendEntries(known.manifests, instances, problems) }
      : {}),
  };
}

/** Adds to the entries of an index what the document does not say about them. */
function extendEntries(
  entries: readonly unknown[],
  instances: readonly DescribedInstance[],
  problems: DescriptionParts["problems"],
): unknown[] {
  return entries.map((entry, i) => {
    const instance = instances[i];
    if (!isObject(entry) || !instance) return entry;
    const { platform, layers, size, attests, predicateTypes, signatures, problem = problems.get(instance.digest) } =
      instance;
    return {
      ...(platform ? { platformString: formatPlatform(platform) } : {}),
      ...(isAttestation(instance) ? { attestation: true, for: attests, predicateTypes } : {}),
      ...(instance.instances
        ? { instances: instance.instances.map((nested) => describeNested(nested, problems)) }
        : problem === undefined
        ? { layers: layers.map(({ digest, size, mediaType }) => ({ mediaType, digest, size })), totalSize: size }
        : { problem }),
      signatures,
      ...entry,
    };
  });
}

/** Describes an instance of a nested index like an entry. */
function describeNested(instance: DescribedInstance, problems: DescriptionParts["problems"]): unknown {
  const { mediaType, digest, platform, annotations } = instance;
  return extendEntries([{ mediaType, digest, platform, annotations }], [instance], problems)[0];
}

/** Lists the images of a list, also those of nested indexes. */
function listImages(instances: readonly DescribedInstance[]): DescribedInstance[] {
  return instances.flatMap((instance) => instance.instances ? listImages(instance.instances) : [instance]);
}

/** Returns the key of an image: its platform in the list, or else in its configuration, or else its digest. */
function keyOf({ platform, digest }: DescribedInstance, configurations: ReadonlyMap<Digest, unknown>): string {
  const configuration = configurations.get(digest);
  const { os, architecture, variant } = isObject(configuration) ? configuration : {};
  const parts = [os, architecture, variant].filter((part) => typeof part === "string" && part !== "");
  return formatPlatform(platform) || parts.join("/") || digest;
}
