import type { Runtime } from "../../actions/room.ts";
import { LOCAL_HOST } from "./host.ts";
import { create, List } from "./list.ts";

/** Functions over images on a host with a disk. */
export const LOCAL_RUNTIME: Runtime = {
  host: LOCAL_HOST,
  createList: create,
  parseList: (bytes) => List.fromBlob(bytes),
};
