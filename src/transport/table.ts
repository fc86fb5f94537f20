import type { Transport, TransportTable } from "../image/room.ts";
import { assertTransportSupported, findTransportName, ManifestsError, ManifestsSyntaxError } from "../spec/room.ts";

/** Creates a table of transports. A name without a transport means `docker://`. */
export function createTransportTable(transports: readonly Transport[]): TransportTable {
  const byName = new Map(transports.map((transport) => [transport.name, transport]));
  return {
    parseImageName(name) {
      if (name === "") throw new ManifestsSyntaxError("INVALID_REFERENCE", "Cannot parse image name: it is empty");
      const colon = name.indexOf(":");
      const prefix = name.slice(0, Math.max(colon, 0));
      const transport = byName.get(prefix);
      if (transport) return transport.parseReference(name.slice(colon + 1));
      assertTransportSupported(name);
      if (findTransportName(name) !== undefined || name.startsWith("//", colon + 1)) {
        throw new ManifestsError(
          "UNSUPPORTED_TRANSPORT",
          `Cannot use image name ${JSON.stringify(name)}: unknown transport ${JSON.stringify(prefix)}: use one of ${
            [...byName.keys()].join(", ")
          }`,
        );
      }
      return byName.get("docker")!.parseReference(`//${name}`);
    },
  };
}
