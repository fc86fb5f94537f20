import type { Kit } from "../../actions/room.ts";
import { LOCAL_HOST } from "./host.ts";
import { List } from "./list.ts";

/** Functions over images on a host with a disk. */
export const LOCAL_KIT: Kit<List> = {
  host: LOCAL_HOST,
  createList: () => new List(),
  parseList: (bytes) => List.fromBlob(bytes),
};
