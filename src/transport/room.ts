/** The table of transports; each transport has a face of its own. */
export { createTransportTable } from "./table.ts";
