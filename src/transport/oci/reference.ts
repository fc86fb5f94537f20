import { resolve } from "@std/path";
import type { ImageDestination, ImageReference, ImageSource, SystemContext, Transport } from "../../image/room.ts";
import { pathNamespaces, resolvePath } from "../files/paths.ts";
import { formatLayoutImage, type LayoutImage, parseOciName } from "./name.ts";

/** Creates the transport of images in folders with an OCI layout, `oci:PATH[:IMAGE]` or `oci:PATH:@N`. */
export function createOciTransport(): Transport {
  return {
    name: "oci",
    parseReference(text) {
      const { path, image } = parseOciName(text, true);
      return new OciReference(path, image);
    },
  };
}

/** An image in a folder with an OCI layout. */
export class OciReference implements ImageReference {
  readonly transport = "oci";
  readonly dockerReference = undefined;
  /** Path of the folder, as given. */
  readonly path: string;
  /** Image in the layout; `undefined`: the only one, or, for writing, one without a name. */
  readonly image: LayoutImage;

  constructor(path: string, image: LayoutImage) {
    this.path = path;
    this.image = image;
  }

  get stringWithinTransport(): string {
    return `${this.path}:${formatLayoutImage(this.image)}`;
  }

  /** Path of the folder. The name is left out, because which image it means is not known without reading the layout. */
  get policyConfigurationIdentity(): string {
    return resolvePath(this.path);
  }

  get policyConfigurationNamespaces(): readonly string[] {
    return pathNamespaces(this.policyConfigurationIdentity);
  }

  absolute(): OciReference {
    const path = resolve(this.path);
    // A colon would end the path in the text of a reference.
    return path.includes(":") ? this : new OciReference(path, this.image);
  }

  async openSource(context: SystemContext = {}): Promise<ImageSource> {
    const [{ OciSource }, { Layout }] = await Promise.all([import("./source.ts"), import("./layout.ts")]);
    return new OciSource(this, new Layout(this.path, context.ociSharedBlobDirPath));
  }

  async openDestination(context: SystemContext = {}): Promise<ImageDestination> {
    const { openOciDestination } = await import("./destination.ts");
    return await openOciDestination(this, context);
  }

  toString(): string {
    return `${this.transport}:${this.stringWithinTransport}`;
  }
}
