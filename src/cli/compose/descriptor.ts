import type { ComposeSource } from "../../actions/room.ts";
import { isObject } from "../../json/room.ts";
import { createPlatform, isDigest, type Platform } from "../../spec/room.ts";
import { UsageError } from "../errors.ts";
import { readJson } from "./names.ts";

/** A source that a file describes; `image` can be a digest alone, which is in the repository of the command. */
export type DescribedSource = Pick<ComposeSource, "platform" | "annotations" | "artifactType"> & {
  readonly image: string;
};

/** Members of a descriptor that have an effect, or that the registry reports better. */
const MEMBERS = ["mediaType", "digest", "size", "platform", "annotations", "artifactType"];

/**
 * Reads a file that names one source: a reference, a digest, or a descriptor as JSON, whose platform, annotations and
 * artifact type replace those in the registry. A metadata file of buildx is read by its descriptor.
 *
 * @throws {UsageError} If the text has another form.
 */
export function parseDescriptorFile(text: string, origin: string): DescribedSource {
  const trimmed = text.trim();
  if (trimmed.startsWith("{")) return readDescriptor(readJson(trimmed, origin), origin);
  if (trimmed !== "" && !/\s/.test(trimmed)) return { image: trimmed };
  throw new UsageError(`${origin}: it must contain a reference, a digest or a descriptor (JSON)`);
}

function readDescriptor(value: unknown, origin: string): DescribedSource {
  const descriptor = isObject(value) ? value["containerimage.descriptor"] ?? value : value;
  if (!isObject(descriptor)) throw new UsageError(`${origin}: the descriptor must be an object`);
  const { digest, platform, annotations, artifactType } = descriptor;
  if (typeof digest !== "string" || !isDigest(digest)) {
    throw new UsageError(`${origin}: the descriptor must have a digest, such as sha256:…`);
  }
  const unknown = Object.keys(descriptor).find((name) => !MEMBERS.includes(name));
  if (unknown !== undefined) {
    throw new UsageError(`${origin}: the member ${JSON.stringify(unknown)} of the descriptor is not supported`);
  }
  return {
    image: digest,
    ...(platform === undefined ? {} : { platform: readPlatform(platform, origin) }),
    ...(annotations === undefined ? {} : { annotations: readTexts(annotations, `${origin}: annotations`) }),
    ...(artifactType === undefined ? {} : { artifactType: readText(artifactType, `${origin}: artifactType`) }),
  };
}

function readPlatform(value: unknown, origin: string): Platform {
  const what = `${origin}: platform`;
  if (!isObject(value)) throw new UsageError(`${what} must be an object`);
  const { "os.features": features = [], ...texts } = value;
  const known = ["architecture", "os", "variant", "os.version"];
  const unknown = Object.keys(texts).find((name) => !known.includes(name));
  if (unknown !== undefined) throw new UsageError(`${what} has the unknown member ${JSON.stringify(unknown)}`);
  if (!Array.isArray(features) || !features.every((feature) => typeof feature === "string")) {
    throw new UsageError(`${what}: os.features must be an array of texts`);
  }
  const { architecture, os, variant, "os.version": osVersion } = readTexts(texts, what);
  return createPlatform({ architecture, os, variant, osVersion, osFeatures: features });
}

function readTexts(value: unknown, what: string): Record<string, string> {
  if (!isObject(value)) throw new UsageError(`${what} must be an object of texts`);
  return Object.fromEntries(Object.entries(value).map(([name, text]) => [name, readText(text, `${what}: ${name}`)]));
}

function readText(value: unknown, what: string): string {
  if (typeof value === "string") return value;
  throw new UsageError(`${what} must be a text`);
}
