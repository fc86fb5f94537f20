/**
 * Images in archives of OCI layouts: `oci-archive:`.
 *
 * @module
 */
export { createOciArchiveTransport, OciArchiveReference } from "./reference.ts";
