import { ManifestsError } from "../errors/room.ts";

/** Transports of containers/image that are not implemented here, with what to use instead. */
const NOT_SUPPORTED: ReadonlyMap<string, string> = new Map([
  ["atomic", "use docker:// with the registry's host, which serves the same images"],
  ["ostree", "containers/image has removed it: use a registry (docker://) or an image layout (oci:)"],
  ["sif", "convert the file with `skopeo copy sif:FILE oci:FOLDER`, and use oci:FOLDER"],
  ["tarball", "convert the files with `skopeo copy tarball:FILE oci:FOLDER`, and use oci:FOLDER"],
]);

/** Names of the transports of containers/image, including those that are not implemented here. */
const TRANSPORT_NAMES: readonly string[] = [
  "containers-storage",
  "dir",
  "docker",
  "docker-archive",
  "docker-daemon",
  "oci",
  "oci-archive",
  ...NOT_SUPPORTED.keys(),
];

/** Finds the transport that a text begins with, such as `oci` in `oci:layout`. Returns `undefined` if there is none. */
export function findTransportName(text: string): string | undefined {
  const prefix = text.slice(0, Math.max(text.indexOf(":"), 0));
  return TRANSPORT_NAMES.includes(prefix) ? prefix : undefined;
}

/**
 * Throws if a name begins with a transport of containers/image that is not implemented here.
 *
 * @throws {ManifestsError} With code `TRANSPORT_NOT_SUPPORTED`.
 */
export function assertTransportSupported(name: string): void {
  const transport = findTransportName(name);
  const advice = transport && NOT_SUPPORTED.get(transport);
  if (!advice) return;
  throw new ManifestsError(
    "TRANSPORT_NOT_SUPPORTED",
    `Cannot use image name ${JSON.stringify(name)}: the transport ${transport}: is not supported: ${advice}`,
  );
}
