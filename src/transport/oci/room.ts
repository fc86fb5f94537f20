/**
 * Images in folders with an OCI image layout: `oci:`.
 *
 * @module
 */
export { createOciTransport } from "./reference.ts";
