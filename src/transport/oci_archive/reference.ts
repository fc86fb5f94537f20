import { resolve } from "@std/path";
import type {
  ImageDestination,
  ImageReference,
  ImageSource,
  OpenDestinationOptions,
  SystemContext,
  Transport,
} from "../../image/room.ts";
import { pathNamespaces, resolvePath } from "../files/paths.ts";
import { type LayoutImage, parseOciName } from "../oci/name.ts";

/** Creates the transport of images in archives of OCI layouts, `oci-archive:PATH[:IMAGE]`. */
export function createOciArchiveTransport(): Transport {
  return {
    name: "oci-archive",
    parseReference(text) {
      const { path, image } = parseOciName(text, false);
      return new OciArchiveReference(path, image);
    },
  };
}

/** An image in an archive of an OCI layout. */
export class OciArchiveReference implements ImageReference {
  readonly transport = "oci-archive";
  readonly dockerReference = undefined;
  /** Path of the archive, as given. */
  readonly path: string;
  /** Image in the archive; `undefined`: the only one, or, for writing, one without a name. */
  readonly image: LayoutImage;

  constructor(path: string, image: LayoutImage) {
    this.path = path;
    this.image = image;
  }

  /** Name of the image in the archive; `""` if it has none. */
  get imageName(): string {
    return this.image && "name" in this.image ? this.image.name : "";
  }

  get stringWithinTransport(): string {
    return `${this.path}:${this.imageName}`;
  }

  /**
   * Path of the archive. The name is left out, because which image it means is not known without reading the archive.
   */
  get policyConfigurationIdentity(): string {
    return resolvePath(this.path);
  }

  get policyConfigurationNamespaces(): readonly string[] {
    return pathNamespaces(this.policyConfigurationIdentity);
  }

  absolute(): OciArchiveReference {
    const path = resolve(this.path);
    // A colon would end the path in the text of a reference.
    return path.includes(":") ? this : new OciArchiveReference(path, this.image);
  }

  async openSource(context?: SystemContext): Promise<ImageSource> {
    const [{ openArchive }, { OciArchiveSource }] = await Promise.all([
      import("../archive/reader.ts"),
      import("./source.ts"),
    ]);
    return new OciArchiveSource(this, await openArchive(this.path, context));
  }

  async openDestination(context?: SystemContext, options?: OpenDestinationOptions): Promise<ImageDestination> {
    const { openOciArchiveDestination } = await import("./destination.ts");
    return await openOciArchiveDestination(this, context, options);
  }

  toString(): string {
    return `${this.transport}:${this.stringWithinTransport}`;
  }
}
