/**
 * Images in archives of OCI layouts: `oci-archive:`.
 *
 * @module
 */
export { createOciArchiveTransport } from "./reference.ts";
