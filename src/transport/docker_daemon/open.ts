import type {
  ImageDestination,
  ImageReference,
  ImageSource,
  OpenDestinationOptions,
  SystemContext,
} from "../../image/room.ts";
import type { NamedReference } from "../../spec/room.ts";
import { receiveArchive } from "../archive/reader.ts";
import { openForSending } from "../archive/target.ts";
import { ArchiveWriter } from "../archive/writer.ts";
import { DockerArchiveDestination } from "../docker_archive/destination.ts";
import { readArchive } from "../docker_archive/source.ts";
import { DaemonClient } from "./client.ts";
import type { DaemonEndpoint } from "./endpoint.ts";

/** Opens an image of a daemon, which sends it whole, into a temporary file: the list of its parts is at the end. */
export async function openDaemonSource(
  reference: ImageReference,
  endpoint: DaemonEndpoint,
  context: SystemContext,
): Promise<ImageSource> {
  using client = new DaemonClient(endpoint);
  const archive = await client.getImage(
    reference.stringWithinTransport,
    (stream) => receiveArchive(stream, String(reference), context),
  );
  return await readArchive(reference, archive, undefined);
}

/** Opens a daemon for one image. The archive is built in a temporary file, and sent by `commit`. */
export async function openDaemonDestination(
  reference: ImageReference,
  name: NamedReference,
  endpoint: DaemonEndpoint,
  { context, options }: { context: SystemContext; options?: OpenDestinationOptions | undefined },
): Promise<ImageDestination> {
  const file = await openForSending(async (archive, { signal }) => {
    using client = new DaemonClient(endpoint);
    await client.loadImages(archive, signal);
  }, context);
  return new DockerArchiveDestination({
    reference,
    writer: new ArchiveWriter(String(reference), file, options),
    names: [name],
  });
}
