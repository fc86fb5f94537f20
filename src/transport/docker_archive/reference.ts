import { resolve } from "@std/path";
import type {
  ImageDestination,
  ImageReference,
  ImageSource,
  OpenDestinationOptions,
  SystemContext,
  Transport,
} from "../../image/room.ts";
import type { NamedReference } from "../../spec/room.ts";
import { type ArchiveImage, failReference, parseTaggedName } from "./name.ts";

/**
 * Creates the transport of archives in the format of `docker save`, `docker-archive:PATH[:NAME[:TAG]]` or `PATH:@N`.
 */
export function createDockerArchiveTransport(): Transport {
  return {
    name: "docker-archive",
    parseReference(text) {
      const colon = text.indexOf(":");
      const path = colon < 0 ? text : text.slice(0, colon);
      if (path === "") failReference(text, "it isn't of the form <path>[:<reference>]");
      return new DockerArchiveReference(path, colon < 0 ? undefined : parseImage(text.slice(colon + 1), text));
    },
  };
}

function parseImage(text: string, whole: string): ArchiveImage {
  if (!text.startsWith("@")) return { name: parseTaggedName(text, whole) };
  const position = /^@[+-]?[0-9]+$/.test(text) ? Number(text.slice(1)) : NaN;
  if (!Number.isSafeInteger(position)) failReference(whole, `the source index ${text} is not an integer`);
  if (position < 0) failReference(whole, `the source index ${text} must not be negative`);
  return { position };
}

/** An image in an archive in the format of `docker save`. */
export class DockerArchiveReference implements ImageReference {
  readonly transport = "docker-archive";
  /** Empty: `policy.json` has no scopes for single archives, only the default scope of the transport. */
  readonly policyConfigurationIdentity = "";
  readonly policyConfigurationNamespaces: readonly string[] = [];
  /** Path of the archive, as given. */
  readonly path: string;
  /** Image in the archive; `undefined`: the only one, or, for writing, one without a name. */
  readonly image: ArchiveImage;

  constructor(path: string, image: ArchiveImage) {
    this.path = path;
    this.image = image;
  }

  get dockerReference(): NamedReference | undefined {
    return this.image && "name" in this.image ? this.image.name : undefined;
  }

  get stringWithinTransport(): string {
    if (!this.image) return this.path;
    return `${this.path}:${"name" in this.image ? this.image.name : `@${this.image.position}`}`;
  }

  absolute(): DockerArchiveReference {
    const path = resolve(this.path);
    // A colon would end the path in the text of a reference.
    return path.includes(":") ? this : new DockerArchiveReference(path, this.image);
  }

  async openSource(context?: SystemContext): Promise<ImageSource> {
    const { openDockerArchiveSource } = await import("./source.ts");
    return await openDockerArchiveSource(this, context);
  }

  async openDestination(context?: SystemContext, options?: OpenDestinationOptions): Promise<ImageDestination> {
    const { openDockerArchiveDestination } = await import("./destination.ts");
    return await openDockerArchiveDestination(this, context, options);
  }

  toString(): string {
    return `${this.transport}:${this.stringWithinTransport}`;
  }
}
