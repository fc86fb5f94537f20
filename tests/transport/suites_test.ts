import { runTransportSuite } from "../contracts/transport_suite.ts";
import { MEDIA_TYPES } from "../../src/spec/room.ts";
import { createMemoryStorage, createRegistry } from "../../src/server/room.ts";

const OCI = [MEDIA_TYPES.ociManifest];

runTransportSuite({
  name: "docker://",
  image: (_, name) => `docker://registry.example/app:${name}`,
  createContext: () => ({ fetch: createRegistry({ storage: createMemoryStorage() }).fetch }),
  types: OCI,
  missing: "NOT_FOUND",
}, Deno.test);

runTransportSuite({
  name: "oci:",
  image: (folder, name) => `oci:${folder}/layout:${name}`,
  types: OCI,
  missing: "NOT_FOUND",
}, Deno.test);

runTransportSuite({
  name: "oci-archive:",
  image: (folder, name) => `oci-archive:${folder}/archive.tar:${name}`,
  types: OCI,
  missing: "NOT_FOUND",
  noResume: "an archive is written whole or not at all",
}, Deno.test);

runTransportSuite({
  name: "dir:",
  image: (folder, name) => `dir:${folder}/${name}`,
  types: OCI,
  missing: "NOT_FOUND",
}, Deno.test);

runTransportSuite({
  name: "docker-archive:",
  image: (folder, name) => `docker-archive:${folder}/archive.tar:localhost/${name}:1`,
  types: [MEDIA_TYPES.dockerManifest],
  missing: "NOT_FOUND",
  noLists: "the format has no place for them",
  noManifest: "the format has no place for it either: readers make one up",
  noResume: "an archive is written whole or not at all",
}, Deno.test);
