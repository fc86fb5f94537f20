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
import { openDockerArchiveDestination } from "./destination.ts";
import { type ArchiveImage, failReference, parseTaggedName } from "./name.ts";
import { openDockerArchiveSource } from "./source.ts";

/** The transport of archives as `docker save` writes them, `docker-archive:PATH[:NAME[:TAG]]` or `PATH:@N`. */
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

/** An image in an archive as `docker save` writes them. */
export class DockerArchiveReference implements ImageReference {
  readonly transport = "docker-archive";
  /** Archives cannot be told apart in `policy.json`: only the default scope covers them. */
  readonly policyConfigurationIdentity = "";
  readonly policyConfigurationNamespaces: readonly string[] = [];
  /** The archive. */
  readonly path: string;
  /** Which of the images in it. */
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
    // A colon in the path would end it.
    return path.includes(":") ? this : new DockerArchiveReference(path, this.image);
  }

  async openSource(context?: SystemContext): Promise<ImageSource> {
    return await openDockerArchiveSource(this, context);
  }

  async openDestination(context?: SystemContext, options?: OpenDestinationOptions): Promise<ImageDestination> {
    return await openDockerArchiveDestination(this, context, options);
  }

  toString(): string {
    return `${this.transport}:${this.stringWithinTransport}`;
  }
}
