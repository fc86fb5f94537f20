/** Names of the transports of containers/image, including those that are not implemented here. */
const TRANSPORT_NAMES: readonly string[] = [
  "containers-storage",
  "dir",
  "docker",
  "docker-archive",
  "docker-daemon",
  "oci",
  "oci-archive",
  "sif",
  "tarball",
];

/** Finds the transport that a text begins with, such as `oci` in `oci:layout`. Returns `undefined` if there is none. */
export function findTransportName(text: string): string | undefined {
  const prefix = text.slice(0, Math.max(text.indexOf(":"), 0));
  return TRANSPORT_NAMES.includes(prefix) ? prefix : undefined;
}
