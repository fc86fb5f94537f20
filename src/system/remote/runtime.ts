import type { Runtime } from "../../actions/room.ts";
import { create, HOST, List } from "./list.ts";

/** Functions over images with `fetch` alone. */
export const REMOTE_RUNTIME: Runtime = {
  host: HOST,
  createList: create,
  parseList: (bytes) => List.fromBlob(bytes),
};
