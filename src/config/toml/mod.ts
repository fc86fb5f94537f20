/**
 * TOML documents read key by key, with errors that name file, line and key.
 *
 * @module
 */
export { ConfTable, parseToml, type TomlParser } from "./table.ts";
