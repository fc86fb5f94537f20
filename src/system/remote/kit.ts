import type { Kit } from "../../actions/room.ts";
import { HOST, List } from "./list.ts";

/** Functions over images with `fetch` alone. */
export const REMOTE_KIT: Kit<List> = {
  host: HOST,
  createList: () => new List(),
  parseList: (bytes) => List.fromBlob(bytes),
};
