/** The table of transports. Each transport has its own `room.ts`. */
export { createTransportTable } from "./table.ts";
