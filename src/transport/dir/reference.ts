import { resolve } from "@std/path";
import type { ImageDestination, ImageReference, ImageSource, SystemContext, Transport } from "../../image/room.ts";
import { pathNamespaces, resolvePath } from "../files/paths.ts";

/** Creates the transport of images in folders, `dir:PATH`. */
export function createDirTransport(): Transport {
  return {
    name: "dir",
    parseReference: (text) => new DirReference(text),
  };
}

/** An image in a folder. */
export class DirReference implements ImageReference {
  readonly transport = "dir";
  readonly dockerReference = undefined;
  readonly stringWithinTransport: string;

  constructor(path: string) {
    this.stringWithinTransport = path;
  }

  /** Path of the folder. An empty path means the current folder. */
  get path(): string {
    return this.stringWithinTransport || ".";
  }

  get policyConfigurationIdentity(): string {
    return resolvePath(this.path);
  }

  /** The folders above it. The folder itself is the identity. */
  get policyConfigurationNamespaces(): readonly string[] {
    return pathNamespaces(this.policyConfigurationIdentity).slice(1);
  }

  absolute(): DirReference {
    return new DirReference(resolve(this.path));
  }

  async openSource(): Promise<ImageSource> {
    const { openDirSource } = await import("./source.ts");
    return await openDirSource(this);
  }

  async openDestination(context: SystemContext = {}): Promise<ImageDestination> {
    const { openDirDestination } = await import("./destination.ts");
    return await openDirDestination(this, context);
  }

  toString(): string {
    return `${this.transport}:${this.stringWithinTransport}`;
  }
}
