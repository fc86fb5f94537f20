/**
 * What configuration files say, as values.
 *
 * @module
 */
export { type AuthFile, findCredentials, parseAuthFile } from "./auth_file.ts";
export { parseStorageConf, type StorageConf } from "./storage_conf.ts";
